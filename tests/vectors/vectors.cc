#include "tests/vectors/vectors.h"

namespace sallyport {

std::string source_path(std::string_view name) {
    std::string path = SALLYPORT_SOURCE_DIR;
    path.append("/").append(name);
    return path;
}

std::string vectors_path(std::string_view name) { return source_path("tests/vectors/").append(name); }

}  // namespace sallyport
