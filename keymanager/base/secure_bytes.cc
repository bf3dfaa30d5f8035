#include "keymanager/base/secure_bytes.h"

#include <openssl/crypto.h>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace sallyport {
namespace {

constexpr std::size_t SmallestBlock = 32;

std::atomic<std::size_t> arena_size{0};
std::atomic<bool> arena_locked{false};

class SecureResource final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        // Blocks are powers of two from 32 bytes on and aligned to their own size.
        if (alignment > SmallestBlock && alignment > bytes) bytes = alignment;
        void* block = CRYPTO_secure_malloc_initialized() == 1 ? OPENSSL_secure_zalloc(bytes == 0 ? 1 : bytes) : nullptr;
        if (block == nullptr) throw std::bad_alloc();
        return block;
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
        OPENSSL_secure_clear_free(block, bytes);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

Result<void> open_secure_arena(const SecureArenaOptions& options) {
    if (CRYPTO_secure_malloc_initialized() == 1) return Error{Code::Internal, "the secure arena is open already", {}};
    const int rc = CRYPTO_secure_malloc_init(options.bytes, SmallestBlock);
    if (rc == 0) {
        return Error{Code::Internal,
                     "cannot open a secure arena of " + std::to_string(options.bytes) +
                         " bytes: secure_memory.bytes must be a power of two that fits in memory",
                     {}};
    }
    arena_size = options.bytes;
    // 1: as asked. 2: usable, but mlock(2) or the guard pages failed.
    arena_locked = rc == 1;
    if (rc != 1 && !options.insecure_allow_unlocked_memory) {
        return Error{Code::Refused,
                     "cannot lock " + std::to_string(options.bytes) +
                         " bytes of memory for keys: raise the limit (LimitMEMLOCK= in the unit, `ulimit -l`) or lower "
                         "secure_memory.bytes",
                     {}};
    }
    return {};
}

SecureArenaUsage secure_arena_usage() { return {CRYPTO_secure_used(), arena_size, arena_locked}; }

SecureBytes::SecureBytes(SecureBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecureBytes& SecureBytes::operator=(SecureBytes&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

SecureBytes::~SecureBytes() { release(); }

void SecureBytes::release() noexcept {
    if (data_ != nullptr) OPENSSL_secure_clear_free(data_, capacity_);
    data_ = nullptr;
    size_ = capacity_ = 0;
}

Result<SecureBytes> SecureBytes::of_size(std::size_t n) {
    SecureBytes bytes;
    if (n == 0) return bytes;
    // Without the arena OPENSSL_secure_zalloc falls back to the ordinary heap: secrets must never land there.
    SALLYPORT_ASSERT(CRYPTO_secure_malloc_initialized() == 1);
    bytes.data_ = static_cast<std::byte*>(OPENSSL_secure_zalloc(n));
    if (bytes.data_ == nullptr) {
        return Error{
            Code::Overloaded, "the locked memory for keys is full: try again, or raise secure_memory.bytes", {}};
    }
    bytes.size_ = bytes.capacity_ = n;
    return bytes;
}

Result<SecureBytes> SecureBytes::copy_of(std::span<const std::byte> source) {
    SecureBytes bytes = TRY(of_size(source.size()));
    if (!source.empty()) std::memcpy(bytes.data_, source.data(), source.size());
    return bytes;
}

void SecureBytes::truncate(std::size_t n) noexcept {
    SALLYPORT_ASSERT(n <= size_);
    if (n < size_) OPENSSL_cleanse(data_ + n, size_ - n);
    size_ = n;
}

Result<SecureBytes> SecureBytes::clone() const { return copy_of(reveal()); }

bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::span<std::byte> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

std::pmr::memory_resource* secure_memory_resource() {
    static SecureResource resource;
    return &resource;
}

}  // namespace sallyport
