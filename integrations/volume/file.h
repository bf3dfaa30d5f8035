#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// Where a header is read from: a device, a file, or memory (tests and the fuzzer).
class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual std::uint64_t size() const = 0;
    /// Fills `out` from `offset` on; returns fewer bytes only at the end. Error: `Io`.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

/// An open block device or regular file. Moved, closes itself.
class File final : public ByteSource {
public:
    enum class Access {
        Read,
        Write,
        Exclusive  ///< Write, and nobody else may use it: O_EXCL on a block device, locks on both, no loop device
    };

    /// Error: `NotFound`, `Forbidden`, `InvalidInput` (neither a block device nor a regular file), `Conflict` (in use,
    /// and by whom; a read-only device opened for writing), `Io`.
    static Result<File> open(const DevicePath& path, Access access);
    /// An unnamed file in memory of `size` bytes, sparse. Its pages are counted as the process's own.
    static Result<File> in_memory(std::uint64_t size);
    /// Takes a descriptor over; `name` is for messages.
    static Result<File> adopt(int descriptor, std::string name);

    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() override;

    std::uint64_t size() const override { return size_; }
    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const override;
    Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);
    Result<void> sync();

    /// Keeps other changes of the header out while this is open, but none of those who use the volume, or
    /// libcryptsetup's own lock. Error: `Conflict`.
    Result<void> lock_header();

    /// An image file: nobody else may use it while this is open (a loop device, QEMU), libcryptsetup excepted. Nothing
    /// on a block device. Error: `Conflict`.
    Result<void> lock_users_out();

    /// Forgets what the page cache holds of it, so that the next read asks the device.
    void drop_cache() const;

    /// The start of the next stretch of data at or after `offset` (SEEK_DATA): size() if only holes follow, `offset`
    /// where the file system cannot tell.
    std::uint64_t next_data(std::uint64_t offset) const;
    /// The end of the data at `offset` (SEEK_HOLE): size() where the file system cannot tell.
    std::uint64_t next_hole(std::uint64_t offset) const;

    bool is_block_device() const noexcept { return block_device_; }
    int descriptor() const noexcept { return descriptor_; }
    const std::string& name() const noexcept { return name_; }
    /// A path to this very file, even if it has no name or another file has got its name since.
    std::string proc_path() const;

private:
    File(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
    Result<void> lock_exclusively();

    int descriptor_ = -1;
    std::string name_;
    std::uint64_t size_ = 0;
    bool block_device_ = false;
};

/// The Error for an errno of an operation on `name`.
Error error_of_errno(int number, const std::string& name, std::string_view what);

}  // namespace sallyport::volume
