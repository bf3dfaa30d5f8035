#include "tests/vectors/vectors.h"

namespace sallyport {

std::string source_path(std::string_view name) { return std::string(SALLYPORT_SOURCE_DIR) + "/" + std::string(name); }

std::string vectors_path(std::string_view name) { return source_path("tests/vectors/") + std::string(name); }

}  // namespace sallyport
