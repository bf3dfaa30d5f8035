#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "keymanager/db/database.h"

namespace sallyport::core {

/// What was read from the database last, by key. A value counts only while nothing at all was committed since it was
/// read (db::CommitMark). The one that was not used for the longest time goes when there are more than `Most`.
///
/// Thread-safe.
template <class Key, class Value, std::size_t Most>
class MarkCache {
public:
    /// Nothing unless it was read when `now` was the mark.
    std::optional<Value> find(const Key& key, const db::CommitMark& now) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end() || found->second.read_at != now) return std::nullopt;
        found->second.used = ++clock_;
        return found->second.value;
    }

    /// `read_at` is the mark from before the read.
    void put(const Key& key, const db::CommitMark& read_at, Value value) {
        const std::lock_guard lock(mutex_);
        if (entries_.size() >= Most && !entries_.contains(key)) {
            entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.used; }));
        }
        entries_.insert_or_assign(key, Entry{read_at, std::move(value), ++clock_});
    }

private:
    struct Entry {
        db::CommitMark read_at;
        Value value;
        std::size_t used;
    };

    std::mutex mutex_;
    std::unordered_map<Key, Entry> entries_;
    std::size_t clock_ = 0;
};

}  // namespace sallyport::core
