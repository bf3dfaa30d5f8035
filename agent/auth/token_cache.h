#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "keymanager/core/caller.h"

namespace sallyport::auth {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What the cache knows of a token: not the token, its SHA-256.
using TokenDigest = std::array<std::byte, 32>;

struct TokenDigestHash {
    std::size_t operator()(const TokenDigest& digest) const noexcept;
};

/// What Keystone said of tokens lately. A token is found until its deadline; when the cache is full the one that was
/// not asked for longest goes.
///
/// Thread-safe: the entries are spread over shards with a lock each, so that event loops seldom meet.
class TokenCache {
public:
    /// `entries`: the bound, over all shards.
    explicit TokenCache(std::size_t entries);
    ~TokenCache();

    /// The caller behind a token; null in the optional: it was refused; nullopt: not known (any more).
    using Answer = std::shared_ptr<const core::Caller>;  // owners: the cache and whoever reads it at the moment
    std::optional<Answer> find(const TokenDigest& token, SteadyTime now);

    void put(const TokenDigest& token, Answer answer, SteadyTime deadline);

    std::size_t size() const;

private:
    struct Shard;
    Shard& shard_of(const TokenDigest& token);

    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sallyport::auth
