#include "keymanager/base/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sallyport {
namespace {

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

bool only_for_us(const struct stat& status) {
    const auto mode = status.st_mode & 07777U;
    if (mode == 0400 || mode == 0600) return true;
    return mode == 0440 && status.st_uid == 0 && status.st_gid == 0;
}

Result<void> check(const struct stat& status, const std::string& name) {
    if (!S_ISREG(status.st_mode)) return Error{Code::Refused, name + " is no regular file", {}};
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        return Error{Code::Refused,
                     fmt::format("{} belongs to user {}: it must belong to root or to the user of this process ({})",
                                 name, status.st_uid, ::geteuid()),
                     {}};
    }
    if (!only_for_us(status)) {
        return Error{
            Code::Refused,
            fmt::format("{} has mode {:04o}: it must be 0400 or 0600 (chmod 0400)", name, status.st_mode & 07777U),
            {}};
    }
    return {};
}

}  // namespace

Result<SecureBytes> read_private_file(const std::string& path, const PrivateFileKind& kind) {
    const std::string name = fmt::format("{} '{}'", kind.what, path);
    const int links = kind.follows_links ? 0 : O_NOFOLLOW;
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | links));
    if (file.get() < 0) {
        if (errno == ELOOP && !kind.follows_links) return Error{Code::Refused, name + " is a symbolic link", {}};
        return Error{Code::Io, fmt::format("cannot open {}: {}", name, std::strerror(errno)), {}};
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return Error{Code::Io, fmt::format("cannot look at {}: {}", name, std::strerror(errno)), {}};
    }
    TRY(check(status, name));

    // Room for one byte too many.
    SecureBytes bytes = TRY(SecureBytes::of_size(kind.most_bytes + 1));
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.writable().data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Error{Code::Io, fmt::format("cannot read {}: {}", name, std::strerror(errno)), {}};
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > kind.most_bytes) {
        return Error{Code::TooLarge, fmt::format("{} is longer than {} bytes", name, kind.most_bytes), {}};
    }
    bytes.truncate(size);
    return bytes;
}

}  // namespace sallyport
