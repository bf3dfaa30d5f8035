#include "keymanager/store/pkek_cache.h"

#include <algorithm>
#include <mutex>

namespace sallyport::store {

std::shared_ptr<const Pkek> PkekCache::find(const model::KekMeta& kek) const {
    const std::shared_lock lock(mutex_);
    const auto entry = entries_.find(kek.id);
    if (entry == entries_.end() || entry->second->wrapping != kek.plugin_meta) return nullptr;
    entry->second->used.store(clock_.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    return entry->second->pkek;
}

void PkekCache::put(const model::KekMeta& kek, std::shared_ptr<const Pkek> pkek) {
    const std::unique_lock lock(mutex_);
    if (!entries_.contains(kek.id)) make_room();
    auto& slot = entries_[kek.id];
    if (!slot) slot = std::make_unique<Entry>();
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
}

}  // namespace sallyport::store
