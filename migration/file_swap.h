#pragma once

#include <sys/stat.h>

#include <string>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/file.h"

namespace sallyport::migration {

/// Gives a configuration file another content, such that a crash at any moment leaves the old file or the new one, and
/// nothing in between: stage() writes a backup and the new file beside it, commit() puts the new one in its place.
/// What is staged and not committed is removed again with the object; a crash leaves it lying, and the next stage() of
/// the same file removes the half-made new file. The backup is for good.
class FileSwap {
public:
    /// Opens and reads it. Error: `Refused` if it is a symbolic link, no regular file, has more than one name (hard
    /// links would part) or may not be written; else as read_config_text.
    static Result<FileSwap> open(const std::string& path);
    ~FileSwap();
    FileSwap(FileSwap&& other) noexcept;
    FileSwap& operator=(FileSwap&&) = delete;

    const std::string& path() const { return path_; }
    const SecureBytes& content() const { return content_; }
    /// Where stage() has put the old content; mode 0600.
    const std::string& backup() const { return backup_; }

    /// Writes content() into a new file `path` + `suffix` (and ".1", ".2" if there are such already: nothing is ever
    /// overwritten), and `next` beside it with owner, mode, access lists and labels of the old file. Both are durable,
    /// and the latter has been read back, when this returns. Error: `Io`, `Overloaded`.
    Result<void> stage(const SecureBytes& next, const std::string& suffix);
    /// Puts the staged file in its place, durably. Error: `Conflict` if somebody changed the file since open(); `Io`.
    Result<void> commit();

private:
    FileSwap(std::string path, File file, SecureBytes content, const struct stat& status);

    Result<void> write_backup(const std::string& suffix);
    Result<void> write_next(const SecureBytes& next);

    std::string path_;
    File file_;
    SecureBytes content_;
    struct stat status_;
    std::string backup_{};
    std::string staged_{};  ///< empty: nothing is, or it is in its place
};

}  // namespace sallyport::migration
