#include "migration/config_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "migration/file.h"

namespace sallyport::migration {
namespace {

constexpr std::size_t Longest = 1024 * 1024;  // the sample of all of Cinder's options has 300 KiB

Error failure(std::string_view doing, const std::string& path, int why) {
    const Code code = why == ENOENT ? Code::NotFound : Code::Io;
    return Error{code, fmt::format("cannot {} '{}': {}", doing, path, std::strerror(why)), {}};
}

/// How much room to make: a regular file says how long it is.
std::size_t room_for(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return Longest;
    return std::min(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)), Longest);
}

}  // namespace

Result<SecureBytes> read_config_text(const std::string& path) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (file.get() < 0) return failure("open", path, errno);
    return read_config_text(file, path);
}

Result<SecureBytes> read_config_text(const File& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failure("look at", path, errno);
    if (S_ISDIR(status.st_mode)) return failure("read", path, EISDIR);

    // One byte more than fits shows that there is more.
    SecureBytes text = TRY(SecureBytes::of_size(room_for(status) + 1));
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.writable().data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("read", path, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > Longest) {
        return Error{
            Code::TooLarge, fmt::format("'{}' is longer than {} bytes: no configuration file", path, Longest), {}};
    }
    if (size == text.size()) return Error{Code::Io, fmt::format("'{}' grew while it was read: try again", path), {}};
    text.truncate(size);
    return text;
}

Result<std::vector<std::string>> config_files_at(const std::string& path) {
    std::error_code failed;
    const auto kind = std::filesystem::status(path, failed).type();
    if (kind == std::filesystem::file_type::not_found) return failure("open", path, ENOENT);
    if (failed) return failure("look at", path, failed.value());
    if (kind != std::filesystem::file_type::directory) return {{path}};

    std::vector<std::string> files;
    std::filesystem::directory_iterator entries(path, failed);
    for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
        const std::string name = entries->path().filename().string();
        // As Python's glob("*.conf"), which leaves hidden files out.
        if (name.ends_with(".conf") && !name.starts_with('.')) files.push_back(entries->path().string());
    }
    if (failed) return failure("list", path, failed.value());
    std::ranges::sort(files);
    return files;
}

}  // namespace sallyport::migration
