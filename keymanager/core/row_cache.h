#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "keymanager/base/ids.h"
#include "keymanager/core/mark_cache.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {

/// Rows of the secrets that were fetched last, payloads still wrapped, so that a key that is asked for again costs no
/// query. A secret that was deleted, shared or taken back is never served from here (MarkCache). Expiration is the
/// caller's to check.
///
/// Bounded in number and bytes. Thread-safe.
class RowCache {
public:
    using Row = std::shared_ptr<const db::SecretWithPayload>;

    /// nullptr unless it was read when `now` was the mark.
    Row find(const SecretId& id, const db::CommitMark& now);
    /// `read_at` is the mark from before the read. Rows with long payloads are not kept.
    void put(const SecretId& id, const db::CommitMark& read_at, Row row);

private:
    static constexpr std::size_t Shards = 16;
    static constexpr std::size_t RowsOfAShard = 64;
    static constexpr std::size_t LongestCypherText = 4096;
    using Shard = MarkCache<SecretId, Row, RowsOfAShard>;

    Shard& shard_of(const SecretId& id) { return shards_[std::hash<SecretId>{}(id) % Shards]; }

    std::array<Shard, Shards> shards_;
};

}  // namespace sallyport::core
