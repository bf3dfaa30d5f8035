#include "integrations/volume/new_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"

namespace sallyport::volume {
namespace {

constexpr mode_t OwnerOnly = 0600;

std::string name_in_folder(const std::string& path) { return std::filesystem::path(path).filename().string(); }

Error exists(const std::string& path) {
    return {Code::Refused, path + " exists: name another file, or force to replace it", {}};
}

std::string temporary_name(const std::string& path) {
    return "." + name_in_folder(path) + "." + random_uuid() + ".part";
}

bool is_temporary_name_of(const std::string& path, const std::string& name) {
    constexpr std::size_t UuidSize = 36;
    const std::string begin = "." + name_in_folder(path) + ".";
    return name.starts_with(begin) && name.ends_with(".part") && name.size() == begin.size() + UuidSize + 5;
}

/// Removes what killed processes left for this name. Whoever is alive holds the lock.
void remove_left_overs(int folder, const std::string& path) {
    const int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const raw = again < 0 ? nullptr : fdopendir(again);
    if (raw == nullptr) {
        if (again >= 0) ::close(again);
        return;
    }
    const auto close_folder = [](DIR* open) { ::closedir(open); };
    const std::unique_ptr<DIR, decltype(close_folder)> entries(raw, close_folder);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(entries.get())) {
        if (is_temporary_name_of(path, entry->d_name)) names.emplace_back(entry->d_name);
    }
    for (const std::string& name : names) {
        const int file = openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (file < 0) continue;
        if (flock(file, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder, name.c_str(), 0) == 0)
            log_info("removed {}, which a killed process left beside {}", name, path);
        ::close(file);
    }
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

    remove_left_overs(folder, path);
    std::string temporary;
    int descriptor = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, OwnerOnly);
    if (descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        temporary = temporary_name(path);
        descriptor = openat(folder, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OwnerOnly);
    }
    if (descriptor < 0) {
        Error failed = error_of_errno(errno, path, "create");
        ::close(folder);
        return failed;
    }
    // Held as long as the file is written: a name without its lock is a left-over.
    flock(descriptor, LOCK_EX | LOCK_NB);
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
    std::string name = temporary_name(path_);
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
