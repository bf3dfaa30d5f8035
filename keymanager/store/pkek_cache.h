#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/fernet.h"
#include "keymanager/model/kek.h"

namespace sallyport::store {

/// A project's key-encryption key, unwrapped: as Barbican uses it, and the key derived from it for our own envelope.
struct Pkek {
    crypto::Fernet fernet;
    SecureBytes bound_key;
};

/// Unwrapped pKEKs in locked memory, at most `capacity` of them; the one that was used longest ago makes room.
/// Thread-safe; a hit takes a shared lock. Values are shared between the cache and the calls that are using one: a
/// key that is evicted lives until the last of those returns.
class PkekCache {
public:
    explicit PkekCache(std::size_t capacity) : capacity_(capacity) {}

    /// Nothing if it is not cached, or was cached under another wrapping (the row has changed).
    std::shared_ptr<const Pkek> find(const model::KekMeta& kek) const;
    void put(const model::KekMeta& kek, std::shared_ptr<const Pkek> pkek);
    std::size_t size() const;

private:
    struct Entry {
        std::string wrapping;
        std::shared_ptr<const Pkek> pkek;
        mutable std::atomic<std::uint64_t> used;
    };
    void make_room();

    const std::size_t capacity_;
    mutable std::atomic<std::uint64_t> clock_{0};
    mutable std::shared_mutex mutex_;
    std::unordered_map<KekId, std::unique_ptr<Entry>> entries_;
};

}  // namespace sallyport::store
