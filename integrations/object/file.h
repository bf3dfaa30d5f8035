#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// An open file; closed with its owner.
class File {
public:
    File() = default;
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File& operator=(File&& other) noexcept;
    ~File();

    /// A new file of mode 0600. Error: `Conflict` if it is there, `Io`.
    static Result<File> create(const std::string& path);
    /// Error: `NotFound`, `Io`.
    static Result<File> open(const std::string& path);

    Result<void> write_all(std::span<const std::byte> bytes);
    /// Up to `into.size()` bytes from `offset`; 0 at the end.
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const;
    Result<std::uint64_t> size() const;
    /// To the disk.
    Result<void> sync();
    int descriptor() const { return descriptor_; }

private:
    int descriptor_ = -1;
};

/// Error of the last system call: "cannot <what>: <reason>"; `NotFound` for ENOENT, else `Io`.
Error io_error(std::string_view what, const std::string& path);

/// Puts a folder's entries on the disk.
Result<void> sync_folder(const std::string& path);
/// True if it made one. The parent must exist; its entries are on the disk when this returns.
Result<bool> make_folder(const std::string& path);
Result<void> rename_file(const std::string& from, const std::string& to);

/// The whole of a small file. Error: `NotFound`, `TooLarge`, `Io`.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);
/// Replaces `path` by `text` with one rename, through a file in `temporary_folder` of the same file system. The folder
/// of `path` is on the disk when this returns.
Result<void> replace_file(const std::string& path, std::string_view text, const std::string& temporary_folder);

}  // namespace sallyport::object
