#include "keymanager/core/row_cache.h"

#include <algorithm>
#include <utility>

namespace sallyport::core {

RowCache::Row RowCache::find(const SecretId& id, const db::CommitMark& now) {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.entries.find(id);
    if (found == shard.entries.end() || found->second.read_at != now) return nullptr;
    found->second.used = ++shard.clock;
    return found->second.row;
}

void RowCache::put(const SecretId& id, const db::CommitMark& read_at, Row row) {
    if (row->payload && row->payload->wrapped.cypher_text.size() > LongestCypherText) return;
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto known = shard.entries.find(id);
    if (known == shard.entries.end() && shard.entries.size() >= RowsOfAShard) {
        shard.entries.erase(
            std::ranges::min_element(shard.entries, {}, [](const auto& entry) { return entry.second.used; }));
    }
    shard.entries.insert_or_assign(id, Entry{read_at, std::move(row), ++shard.clock});
}

}  // namespace sallyport::core
