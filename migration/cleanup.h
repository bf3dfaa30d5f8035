#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "migration/file_swap.h"

namespace sallyport::migration {

/// Whose configuration a file is: it decides who has to be restarted.
enum class ConfigOwner { Cinder, Nova };

struct CleanupTarget {
    std::string path;  ///< a file, or a folder (--config-dir)
    ConfigOwner owner = ConfigOwner::Cinder;
};

/// What happens to one file.
struct CleanupFile {
    struct Lines {
        std::size_t first;
        std::size_t last;
        friend bool operator==(const Lines&, const Lines&) = default;
    };
    std::string path;
    ConfigOwner owner = ConfigOwner::Cinder;
    std::vector<Lines> removed{};  ///< empty: there is no fixed_key in it, and it stays as it is
    /// Lines, as the cleaned file counts them, where the key's digits still stand: in a comment, in another option.
    std::vector<std::size_t> still_there{};
    std::string backup{};  ///< once the file is cleaned
};

/// A service to restart, and the files why.
struct Restart {
    std::string service;
    std::vector<std::string> files;
    friend bool operator==(const Restart&, const Restart&) = default;
};

/// Takes fixed_key out of configuration files, and nothing else: both groups, repeated lines, lines that continue it.
/// prepare() refuses before anything is touched; run() keeps a backup of each file, and a crash leaves each either old
/// or new (file_swap.h). Undone by moving the backups back.
class Cleanup {
public:
    /// Reads all files and works out what is to go. Error, naming the file: `Conflict` if they do not all have the same
    /// fixed_key; `Refused` as FileSwap::open, or if something else refers to fixed_key or would change its meaning;
    /// `InvalidInput` if one cannot be parsed; `NotFound`, `Io`, `TooLarge`.
    static Result<Cleanup> prepare(std::span<const CleanupTarget> targets);

    const std::vector<CleanupFile>& files() const { return files_; }

    /// Writes all backups and all new files, then puts these in place one by one. Run it once.
    /// Error: what stopped it; files() says by their backups which files are done.
    Result<void> run(Timestamp now);

    /// What to restart, in this order, on each node that has the files: whoever keeps running keeps the key in memory.
    std::vector<Restart> restarts() const;

private:
    struct Work {
        FileSwap swap;
        SecureBytes next;
        std::size_t file;  ///< index in files_
    };

    Result<void> add(const std::string& path, ConfigOwner owner);

    std::vector<CleanupFile> files_;
    std::vector<Work> work_;
};

}  // namespace sallyport::migration
