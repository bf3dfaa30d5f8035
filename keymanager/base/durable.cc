#include "keymanager/base/durable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sallyport {

Result<void> flush_folder_of(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool durable = directory >= 0 && ::fsync(directory) == 0;
    const int why = errno;
    if (directory >= 0) ::close(directory);
    if (durable) return {};
    return Error{Code::Io, fmt::format("cannot flush the folder of '{}': {}", path, std::strerror(why)), {}};
}

}  // namespace sallyport
