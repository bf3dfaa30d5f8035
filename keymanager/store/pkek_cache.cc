#include "keymanager/store/pkek_cache.h"

#include <algorithm>
#include <mutex>

#include "keymanager/base/metrics.h"

namespace sallyport::store {
namespace {

Counter hits({"sallyport_kek_cache_lookups_total", "Look-ups of unwrapped project KEKs.", R"(result="hit")"});
Counter misses({"sallyport_kek_cache_lookups_total", "Look-ups of unwrapped project KEKs.", R"(result="miss")"});
Gauge cached({"sallyport_kek_cache_entries", "Unwrapped project KEKs in locked memory."});

}  // namespace

std::shared_ptr<const Pkek> PkekCache::find(const model::KekMeta& kek) const {
    const std::shared_lock lock(mutex_);
    const auto entry = entries_.find(kek.id);
    if (entry == entries_.end() || entry->second->wrapping != kek.plugin_meta) {
        misses.add();
        return nullptr;
    }
    hits.add();
    entry->second->used.store(clock_.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    return entry->second->pkek;
}

void PkekCache::put(const model::KekMeta& kek, std::shared_ptr<const Pkek> pkek) {
    const std::unique_lock lock(mutex_);
    if (!entries_.contains(kek.id)) make_room();
    auto& slot = entries_[kek.id];
    if (!slot) {
        slot = std::make_unique<Entry>();
        cached.add(1);
    }
    slot->wrapping = kek.plugin_meta;
    slot->pkek = std::move(pkek);
    slot->used = clock_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t PkekCache::size() const {
    const std::shared_lock lock(mutex_);
    return entries_.size();
}

void PkekCache::make_room() {
    if (entries_.size() < capacity_) return;
    const auto oldest =
        std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second->used.load(); });
    entries_.erase(oldest);
    cached.add(-1);
}

}  // namespace sallyport::store
