#include "migration/file_swap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "keymanager/base/bytes.h"
#include "keymanager/base/durable.h"
#include "migration/config_text.h"

namespace sallyport::migration {
namespace {

namespace fs = std::filesystem;

constexpr int MostBackups = 100;
constexpr std::size_t LongestAttribute = 64 * 1024;  // the kernel's limit, of a list of names too

Error io_error(std::string_view what, const std::string& path) {
    return {Code::Io, fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)), {}};
}
Error refused(const std::string& path, std::string_view why) {
    return {Code::Refused, fmt::format("'{}' {}", path, why), {}};
}

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path();
    return folder.empty() ? "." : folder;
}

/// Half-made files are hidden ones, and end in no ".conf" that a --config-dir would read.
std::string staging_prefix(const std::string& path) {
    return fmt::format(".{}.sallyport-", fs::path(path).filename().string());
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

Result<void> write_all(const File& file, const SecureBytes& content, const std::string& path) {
    std::span<const std::byte> rest = content.reveal();
    while (!rest.empty()) {
        const ssize_t wrote = ::write(file.get(), rest.data(), rest.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return io_error("write", path);
        rest = rest.subspan(static_cast<std::size_t>(wrote));
    }
    if (::fsync(file.get()) != 0) return io_error("flush", path);
    return {};
}

/// Signatures over the content would be wrong for the new one.
bool belongs_to_content(std::string_view attribute) {
    return attribute == "security.ima" || attribute == "security.evm";
}

/// Access lists and labels (SELinux's) are extended attributes.
Result<void> copy_attributes(const File& from, const File& to, const std::string& path) {
    std::string names(LongestAttribute, '\0');
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length < 0 && errno == ENOTSUP) return {};
    if (length < 0) return io_error("list the attributes of", path);
    names.resize(static_cast<std::size_t>(length));
    std::string value(LongestAttribute, '\0');
    std::string present(LongestAttribute, '\0');
    for (std::size_t at = 0; at < names.size();) {
        const char* const name = names.data() + at;
        at += std::strlen(name) + 1;
        if (belongs_to_content(name)) continue;
        const ssize_t size = ::fgetxattr(from.get(), name, value.data(), value.size());
        if (size < 0) return io_error("read the attributes of", path);
        // A label that the kernel gave the new file by itself need not be set, and perhaps may not.
        const ssize_t has = ::fgetxattr(to.get(), name, present.data(), present.size());
        if (has == size && std::memcmp(value.data(), present.data(), static_cast<std::size_t>(size)) == 0) continue;
        if (::fsetxattr(to.get(), name, value.data(), static_cast<std::size_t>(size), 0) != 0) {
            return io_error(fmt::format("give its new version the attribute {} of", name), path);
        }
    }
    return {};
}

Result<void> copy_ownership(const File& from, const struct stat& status, const File& to, const std::string& path) {
    // chown(2) clears the set-id bits, and an access list changes the mode's group bits: in this order.
    if (::fchown(to.get(), status.st_uid, status.st_gid) != 0) {
        return io_error("give its new version the owner of", path);
    }
    if (::fchmod(to.get(), status.st_mode & 07777U) != 0) return io_error("give its new version the mode of", path);
    return copy_attributes(from, to, path);
}

void remove_half_made(const std::string& path) {
    std::error_code failed;
    fs::directory_iterator entries(folder_of(path), failed);
    for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
        std::error_code ignored;
        const std::string name = entries->path().filename().string();
        if (name.starts_with(staging_prefix(path))) fs::remove(entries->path(), ignored);
    }
}

}  // namespace

FileSwap::FileSwap(std::string path, File file, SecureBytes content, const struct stat& status)
    : path_(std::move(path)), file_(std::move(file)), content_(std::move(content)), status_(status) {}

FileSwap::FileSwap(FileSwap&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      content_(std::move(other.content_)),
      status_(other.status_),
      backup_(std::exchange(other.backup_, {})),
      staged_(std::exchange(other.staged_, {})) {}

FileSwap::~FileSwap() {
    if (staged_.empty()) return;
    ::unlink(staged_.c_str());
    if (!backup_.empty()) ::unlink(backup_.c_str());
}

Result<FileSwap> FileSwap::open(const std::string& path) {
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
    if (file.get() < 0 && errno == ELOOP) {
        return refused(path, "is a symbolic link: name the file that it points to");
    }
    if (file.get() < 0 && errno == ENOENT) {
        return Error{Code::NotFound, fmt::format("there is no file '{}'", path), {}};
    }
    if (file.get() < 0) return io_error("open", path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return io_error("look at", path);
    if (!S_ISREG(status.st_mode)) return refused(path, "is no regular file");
    if (status.st_nlink > 1) return refused(path, "has more than one name (hard links), which would part");
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0 ||
        ::faccessat(AT_FDCWD, folder_of(path).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        return refused(path, fmt::format("or its folder may not be written: {}", std::strerror(errno)));
    }
    SecureBytes content = TRY(read_config_text(file, path));
    return FileSwap(path, std::move(file), std::move(content), status);
}

Result<void> FileSwap::stage(const SecureBytes& next, const std::string& suffix) {
    remove_half_made(path_);
    TRY(write_next(next));
    TRY(write_backup(suffix));
    return flush_folder_of(path_);
}

Result<void> FileSwap::write_backup(const std::string& suffix) {
    for (int number = 0; number < MostBackups; ++number) {
        const std::string name = path_ + suffix + (number == 0 ? "" : fmt::format(".{}", number));
        const File file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0 && errno == EEXIST) continue;
        if (file.get() < 0) return io_error("make the backup", name);
        backup_ = name;
        return write_all(file, content_, name);
    }
    return Error{Code::Io, fmt::format("'{}{}' and {} more backups are there already", path_, suffix, MostBackups), {}};
}

Result<void> FileSwap::write_next(const SecureBytes& next) {
    std::string name = (fs::path(folder_of(path_)) / (staging_prefix(path_) + "XXXXXX")).string();
    const File file(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
    if (file.get() < 0) return io_error("make a file beside", path_);
    staged_ = name;
    TRY(write_all(file, next, name));
    TRY(copy_ownership(file_, status_, file, path_));
    if (::fsync(file.get()) != 0) return io_error("flush", name);

    if (::lseek(file.get(), 0, SEEK_SET) != 0) return io_error("read back", name);
    const SecureBytes written = TRY(read_config_text(file, name));
    if (equal_in_constant_time(written.reveal(), next.reveal())) return {};
    return Error{Code::Corrupt, fmt::format("'{}' does not read back as it was written", name), {}};
}

Result<void> FileSwap::commit() {
    struct stat now {};
    if (::lstat(path_.c_str(), &now) != 0) return io_error("look at", path_);
    if (!same_file(now, status_)) {
        return Error{Code::Conflict, fmt::format("'{}' was changed by somebody else meanwhile: try again", path_), {}};
    }
    if (::rename(staged_.c_str(), path_.c_str()) != 0) return io_error("put the new version in the place of", path_);
    staged_.clear();
    return flush_folder_of(path_);
}

}  // namespace sallyport::migration
