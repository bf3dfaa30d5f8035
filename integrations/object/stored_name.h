#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// A file name for an account, container or object of any name: letters, digits, "_", "-" and "." stay (no "." in
/// front), all else becomes %XX. A name that is too long for a file keeps its beginning, then "~" and the SHA-256 of
/// the whole. Two names never share a file name.
Result<std::string> stored_name(std::string_view name);

/// The name behind a file name; nothing for a shortened one, whose metadata tell.
std::optional<std::string> name_of_stored(std::string_view file_name);

}  // namespace sallyport::object
