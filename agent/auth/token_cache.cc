#include "agent/auth/token_cache.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace sallyport::auth {
namespace {

constexpr std::size_t MostShards = 16;

}  // namespace

std::size_t TokenDigestHash::operator()(const TokenDigest& digest) const noexcept {
    // Any eight bytes of a SHA-256 are as good as a hash of all.
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
}

struct TokenCache::Shard {
    struct Entry {
        TokenDigest token;
        Answer answer;
        SteadyTime deadline;
    };

    std::optional<Answer> find(const TokenDigest& token, SteadyTime now) {
        const std::lock_guard lock(mutex);
        const auto found = by_token.find(token);
        if (found == by_token.end()) return std::nullopt;
        if (found->second->deadline <= now) {
            by_age.erase(found->second);
            by_token.erase(found);
            return std::nullopt;
        }
        by_age.splice(by_age.begin(), by_age, found->second);
        return found->second->answer;
    }

    void put(const TokenDigest& token, Answer answer, SteadyTime deadline) {
        const std::lock_guard lock(mutex);
        if (const auto found = by_token.find(token); found != by_token.end()) {
            found->second->answer = std::move(answer);
            found->second->deadline = deadline;
            by_age.splice(by_age.begin(), by_age, found->second);
            return;
        }
        if (by_token.size() >= capacity) {
            by_token.erase(by_age.back().token);
            by_age.pop_back();
        }
        by_age.push_front({token, std::move(answer), deadline});
        by_token.emplace(token, by_age.begin());
    }

    std::size_t capacity = 0;
    mutable std::mutex mutex;
    std::list<Entry> by_age;  ///< the one asked for last comes first
    std::unordered_map<TokenDigest, std::list<Entry>::iterator, TokenDigestHash> by_token;
};

TokenCache::TokenCache(std::size_t entries) {
    const std::size_t shards = std::clamp<std::size_t>(entries, 1, MostShards);
    for (std::size_t i = 0; i < shards; ++i) {
        shards_.push_back(std::make_unique<Shard>());
        // The first shards take what does not divide evenly; none is without room.
        shards_.back()->capacity = std::max<std::size_t>(1, entries / shards + (i < entries % shards ? 1 : 0));
    }
}

TokenCache::~TokenCache() = default;

TokenCache::Shard& TokenCache::shard_of(const TokenDigest& token) {
    // Not a byte that the hash of the map uses too: else each map would fill a part of its buckets only.
    return *shards_[std::to_integer<std::size_t>(token[31]) % shards_.size()];
}

std::optional<TokenCache::Answer> TokenCache::find(const TokenDigest& token, SteadyTime now) {
    return shard_of(token).find(token, now);
}

void TokenCache::put(const TokenDigest& token, Answer answer, SteadyTime deadline) {
    shard_of(token).put(token, std::move(answer), deadline);
}

std::size_t TokenCache::size() const {
    std::size_t sum = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        sum += shard->by_token.size();
    }
    return sum;
}

}  // namespace sallyport::auth
