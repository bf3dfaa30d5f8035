#include "keymanager/core/row_cache.h"

#include <utility>

namespace sallyport::core {

RowCache::Row RowCache::find(const SecretId& id, const db::CommitMark& now) {
    return shard_of(id).find(id, now).value_or(nullptr);
}

void RowCache::put(const SecretId& id, const db::CommitMark& read_at, Row row) {
    if (row->payload && row->payload->wrapped.cypher_text.size() > LongestCypherText) return;
    shard_of(id).put(id, read_at, std::move(row));
}

}  // namespace sallyport::core
