#pragma once

#include <string>
#include <string_view>

namespace sallyport {

/// The full path of tests/vectors/`name`. Only the file that defines it knows where the tree lies, so that the compiled
/// tests of one clone serve another.
std::string vectors_path(std::string_view name);

/// The full path of `name` in the tree.
std::string source_path(std::string_view name);

}  // namespace sallyport
