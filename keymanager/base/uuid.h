#pragma once

#include <string>
#include <string_view>

namespace sallyport {

/// A fresh random UUID (RFC 4122, version 4), lower case with hyphens.
std::string random_uuid();
/// True for 8-4-4-4-12 hexadecimal digits, upper or lower case.
bool is_uuid(std::string_view text);

}  // namespace sallyport
