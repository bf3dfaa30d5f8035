#include "integrations/volume/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "integrations/volume/device_users.h"

namespace sallyport::volume {

Error error_of_errno(int number, const std::string& name, std::string_view what) {
    const std::string reason = std::strerror(number);
    if (number == ENOENT || number == ENXIO || number == ENODEV || number == ENOTDIR) {
        return {Code::NotFound, name + " does not exist", reason};
    }
    if (number == EACCES || number == EPERM) {
        return {Code::Forbidden, "no rights to " + std::string(what) + " " + name + ": " + reason, {}};
    }
    if (number == EROFS) return {Code::Conflict, name + " is read-only", reason};
    if (number == EBUSY || number == ETXTBSY) return {Code::Conflict, name + " is in use", reason};
    return {Code::Io, "cannot " + std::string(what) + " " + name + ": " + reason, {}};
}

Result<File> File::open(const DevicePath& path, Access access) {
    struct stat status {};
    if (stat(path.str().c_str(), &status) != 0) return error_of_errno(errno, path.str(), "look at");
    if (S_ISDIR(status.st_mode))
        return Error{Code::InvalidInput, path.str() + " is a directory, not a device or an image file", {}};
    // O_NONBLOCK: a path that turns out to be a pipe or a tape must not hang the caller; it means nothing for disks.
    int flags = O_CLOEXEC | O_NONBLOCK | (access == Access::Read ? O_RDONLY : O_RDWR);
    const bool block_device = S_ISBLK(status.st_mode);
    // On a block device, and there only, O_EXCL without O_CREAT fails if a mount or a mapping holds it (open(2)).
    if (access == Access::Exclusive && block_device) flags |= O_EXCL;
    const int descriptor = ::open(path.str().c_str(), flags);
    if (descriptor < 0) {
        const int number = errno;
        const std::vector<std::string> users =
            block_device && number == EBUSY ? users_of_block_device(status.st_rdev) : std::vector<std::string>{};
        if (!users.empty()) return Error{Code::Conflict, path.str() + " is in use: " + joined(users), {}};
        return error_of_errno(number, path.str(), access == Access::Read ? "read" : "write");
    }
    File file = TRY(adopt(descriptor, path.str()));
    if (access == Access::Exclusive) TRY(file.lock_exclusively());
    return file;
}

Result<File> File::in_memory(std::uint64_t size) {
    const int descriptor = memfd_create("volume-header", MFD_CLOEXEC);
    if (descriptor < 0) return error_of_errno(errno, "a file in memory", "create");
    File file(descriptor, "a file in memory");
    if (ftruncate(descriptor, static_cast<off_t>(size)) != 0) return error_of_errno(errno, file.name_, "extend");
    file.size_ = size;
    return file;
}

Result<File> File::adopt(int descriptor, std::string name) {
    File file(descriptor, std::move(name));
    struct stat status {};
    if (fstat(descriptor, &status) != 0) return error_of_errno(errno, file.name_, "read");
    if (S_ISBLK(status.st_mode)) {
        file.block_device_ = true;
        if (ioctl(descriptor, BLKGETSIZE64, &file.size_) != 0)
            return error_of_errno(errno, file.name_, "ask the size of");
    } else if (S_ISREG(status.st_mode)) {
        file.size_ = static_cast<std::uint64_t>(status.st_size);
    } else {
        return Error{Code::InvalidInput, file.name_ + " is neither a block device nor an image file", {}};
    }
    return file;
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      name_(std::move(other.name_)),
      size_(other.size_),
      block_device_(other.block_device_) {}

File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = std::exchange(other.descriptor_, -1);
        name_ = std::move(other.name_);
        size_ = other.size_;
        block_device_ = other.block_device_;
    }
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::size_t> File::read(std::uint64_t offset, std::span<std::byte> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t n = pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            return Error{
                Code::Io,
                "cannot read " + name_ + " at byte " + std::to_string(offset + done) + ": " + std::strerror(errno),
                {}};
        }
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

Result<void> File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n =
            pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            return Error{
                Code::Io,
                "cannot write " + name_ + " at byte " + std::to_string(offset + done) + ": " + std::strerror(errno),
                {}};
        }
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Result<void> File::sync() {
    if (fsync(descriptor_) != 0) return Error{Code::Io, "cannot flush " + name_ + ": " + std::strerror(errno), {}};
    return {};
}

/// Locks it against everyone who asks: flock(2) (udev, libcryptsetup) and, on image files, the open file description
/// lock that QEMU looks at.
Result<void> File::lock_exclusively() {
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return Error{Code::Conflict, name_ + " is locked by another process", {}};
        return error_of_errno(errno, name_, "lock");
    }
    return lock_users_out();
}

Result<void> File::lock_users_out() {
    if (block_device_) return {};
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) return error_of_errno(errno, name_, "look at");
    const std::vector<std::string> loops = loop_devices_of_file(status.st_dev, status.st_ino);
    if (!loops.empty()) return Error{Code::Conflict, name_ + " is in use: " + joined(loops), {}};
    // QEMU locks single bytes of an image in this way (its manual, "Disk image file locking"); the whole range
    // conflicts with any of them, and keeps QEMU out until this descriptor is closed.
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    if (fcntl(descriptor_, F_OFD_SETLK, &range) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return Error{Code::Conflict, name_ + " is in use by another process, such as QEMU", {}};
        return error_of_errno(errno, name_, "lock");
    }
    return {};
}

Result<void> File::lock_header() {
    // A byte of its own far behind any device's end: QEMU locks bytes of an image that it uses, flock(2) belongs to
    // libcryptsetup.
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = off_t{1} << 61;
    range.l_len = 1;
    if (fcntl(descriptor_, F_OFD_SETLK, &range) == 0) return {};
    if (errno == EAGAIN || errno == EACCES)
        return Error{Code::Conflict, name_ + ": its header is being changed by another process", {}};
    return error_of_errno(errno, name_, "lock");
}

void File::drop_cache() const { posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED); }

std::uint64_t File::next_data(std::uint64_t offset) const {
    if (block_device_) return offset;
    const off_t found = lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
    if (found >= 0) return static_cast<std::uint64_t>(found);
    return errno == ENXIO ? size_ : offset;
}

std::uint64_t File::next_hole(std::uint64_t offset) const {
    if (block_device_) return size_;
    const off_t found = lseek(descriptor_, static_cast<off_t>(offset), SEEK_HOLE);
    return found >= 0 ? static_cast<std::uint64_t>(found) : size_;
}

std::string File::proc_path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

}  // namespace sallyport::volume
