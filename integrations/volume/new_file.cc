#include "integrations/volume/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "keymanager/base/uuid.h"

namespace sallyport::volume {
namespace {

constexpr mode_t OwnerOnly = 0600;

std::string name_in_folder(const std::string& path) { return std::filesystem::path(path).filename().string(); }

Error exists(const std::string& path) {
    return {Code::Refused, path + " exists: name another file, or force to replace it", {}};
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path, bool replace) {
    if (name_in_folder(path).empty()) return Error{Code::InvalidInput, path + " is no name of a file", {}};
    struct stat status {};
    if (lstat(path.c_str(), &status) == 0) {
        if (!S_ISREG(status.st_mode)) return Error{Code::InvalidInput, path + " exists and is no regular file", {}};
        if (!replace) return exists(path);
    }
    std::string folder_path = std::filesystem::path(path).parent_path().string();
    if (folder_path.empty()) folder_path = ".";
    const int folder = ::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return error_of_errno(errno, folder_path, "use folder");

    std::string temporary;
    int descriptor = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, OwnerOnly);
    if (descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        temporary = "." + name_in_folder(path) + "." + random_uuid() + ".part";
        descriptor = openat(folder, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OwnerOnly);
    }
    if (descriptor < 0) {
        Error failed = error_of_errno(errno, path, "create");
        ::close(folder);
        return failed;
    }
    auto file = File::adopt(descriptor, path);
    if (!file) {
        ::close(folder);
        return file.error();
    }
    return NewFile(std::move(*file), folder, path, std::move(temporary), replace);
}

NewFile::NewFile(NewFile&& other) noexcept
    : file_(std::move(other.file_)),
      folder_(std::exchange(other.folder_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      replace_(other.replace_) {}

NewFile::~NewFile() {
    if (folder_ < 0) return;
    if (!temporary_.empty()) unlinkat(folder_, temporary_.c_str(), 0);
    ::close(folder_);
}

/// rename(2) is the only call that replaces a name, and it needs one to start from.
Result<void> NewFile::give_temporary_name() {
    std::string name = "." + name_in_folder(path_) + "." + random_uuid() + ".part";
    if (linkat(AT_FDCWD, file_.proc_path().c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return error_of_errno(errno, path_, "name");
    }
    temporary_ = std::move(name);
    return {};
}

Result<void> NewFile::publish() {
    TRY(file_.sync());
    const std::string name = name_in_folder(path_);
    if (temporary_.empty() && !replace_) {
        if (linkat(AT_FDCWD, file_.proc_path().c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
            return errno == EEXIST ? exists(path_) : error_of_errno(errno, path_, "name");
        }
    } else {
        if (temporary_.empty()) TRY(give_temporary_name());
        if (renameat2(folder_, temporary_.c_str(), folder_, name.c_str(), replace_ ? 0 : RENAME_NOREPLACE) != 0) {
            return errno == EEXIST ? exists(path_) : error_of_errno(errno, path_, "name");
        }
        temporary_.clear();
    }
    if (fsync(folder_) != 0) return error_of_errno(errno, path_, "flush the folder of");
    return {};
}

}  // namespace sallyport::volume
