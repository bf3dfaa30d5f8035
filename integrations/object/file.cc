#include "integrations/object/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "keymanager/base/bytes.h"
#include "keymanager/base/uuid.h"

namespace sallyport::object {

Error io_error(std::string_view what, const std::string& path) {
    const int reason = errno;
    return Error{reason == ENOENT ? Code::NotFound : Code::Io,
                 "the object store failed to " + std::string(what) + ": " + std::strerror(reason), path};
}

File& File::operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0 && errno == EEXIST) return Error{Code::Conflict, "the file is there already", path};
    if (descriptor < 0) return io_error("make a file", path);
    return File(descriptor);
}

Result<File> File::open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return io_error("open a file", path);
    return File(descriptor);
}

Result<void> File::write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_error("write", {});
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    while (true) {
        const ssize_t read = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
        if (read >= 0) return static_cast<std::size_t>(read);
        if (errno != EINTR) return io_error("read", {});
    }
}

Result<std::uint64_t> File::size() const {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0) return io_error("look at a file", {});
    return static_cast<std::uint64_t>(facts.st_size);
}

Result<void> File::sync() {
    if (::fsync(descriptor_) != 0) return io_error("put a file on the disk", {});
    return {};
}

Result<void> sync_folder(const std::string& path) {
    File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.descriptor() < 0) return io_error("open a folder", path);
    return folder.sync();
}

Result<bool> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0) {
        TRY(sync_folder(std::filesystem::path(path).parent_path().string()));
        return true;
    }
    if (errno == EEXIST) return false;
    return io_error("make a folder", path);
}

Result<void> rename_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("move a file", to);
    return {};
}

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
    const File file = TRY(File::open(path));
    const std::uint64_t size = TRY(file.size());
    if (size > limit) return Error{Code::TooLarge, "a metadata file is too large", path};
    std::string text(static_cast<std::size_t>(size), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const std::size_t read = TRY(file.read_at(done, std::as_writable_bytes(std::span(text)).subspan(done)));
        if (read == 0) break;
        done += read;
    }
    text.resize(done);
    return text;
}

Result<void> replace_file(const std::string& path, std::string_view text, const std::string& temporary_folder) {
    const std::string temporary = temporary_folder + "/" + random_uuid();
    const auto replace = [&]() -> Result<void> {
        File file = TRY(File::create(temporary));
        TRY(file.write_all(bytes_of(text)));
        TRY(file.sync());
        TRY(rename_file(temporary, path));
        return sync_folder(std::filesystem::path(path).parent_path().string());
    };
    auto replaced = replace();
    // On success it has moved away.
    if (!replaced) ::unlink(temporary.c_str());
    return replaced;
}

}  // namespace sallyport::object
