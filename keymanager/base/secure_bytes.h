#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>

#include "keymanager/base/result.h"

namespace sallyport {

struct SecureArenaOptions {
    std::size_t bytes = 16 * 1024 * 1024;  ///< a power of two
    bool insecure_allow_unlocked_memory = false;
};

/// Opens the process's arena of locked memory, left out of core dumps (OpenSSL's secure heap,
/// CRYPTO_secure_malloc_init(3)). Call it once, from main, before any other thread and any SecureBytes; it lives
/// until the process ends.
/// Error: `Refused` if the memory cannot be locked and that is not allowed (raise RLIMIT_MEMLOCK), `Internal` if the
/// size is no power of two or the arena is open already.
Result<void> open_secure_arena(const SecureArenaOptions& options);

struct SecureArenaUsage {
    std::size_t used;  ///< bytes handed out, rounded up as the heap does
    std::size_t size;
    bool locked;
};
SecureArenaUsage secure_arena_usage();

/// The one owner of secret bytes: in locked memory, wiped when it goes. Moved, never copied behind the reader's back
/// (a second copy reads `clone()`), never printed, compared only in constant time.
/// Thread-compatible, as a std::vector is.
class SecureBytes {
public:
    SecureBytes() noexcept = default;  ///< holds nothing
    SecureBytes(SecureBytes&& other) noexcept;
    SecureBytes& operator=(SecureBytes&& other) noexcept;
    SecureBytes(const SecureBytes&) = delete;
    SecureBytes& operator=(const SecureBytes&) = delete;
    ~SecureBytes();

    /// `n` zero bytes. Error: `Overloaded` if the arena is full.
    static Result<SecureBytes> of_size(std::size_t n);
    /// A copy of bytes that came from outside (a buffer that the caller wipes, a test's literal).
    static Result<SecureBytes> copy_of(std::span<const std::byte> bytes);

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// The bytes themselves. Each place that calls this is reviewed (tests/lint keeps the list).
    std::span<const std::byte> reveal() const& noexcept { return {data_, size_}; }
    std::span<const std::byte> reveal() const&& = delete;
    std::span<std::byte> writable() & noexcept { return {data_, size_}; }

    /// Keeps the first `n` bytes and wipes the rest. `n` is at most size().
    void truncate(std::size_t n) noexcept;
    Result<SecureBytes> clone() const;

private:
    void release() noexcept;

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// True if both have the same bytes. Takes the same time wherever they differ; lengths are no secret.
bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

/// Wipes bytes of ordinary memory in a way that the compiler keeps.
void wipe(std::span<std::byte> bytes) noexcept;

/// The arena as a memory resource, for containers that must hold secret text for a moment. Deallocation wipes.
/// `allocate` throws std::bad_alloc when the arena is full.
std::pmr::memory_resource* secure_memory_resource();

}  // namespace sallyport
