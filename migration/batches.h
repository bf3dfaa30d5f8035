#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::migration {

/// Hands `all` out in batches to `jobs` threads. The first error of `work` ends it, once the batches under way are
/// through, and is the answer. `work(std::span<T>)` answers a Result<void>; it is called by several threads at a time.
template <class T, class F>
Result<void> in_batches(std::span<T> all, std::size_t batch, int jobs, F&& work) {
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> ends = false;
    std::mutex mutex;
    std::optional<Error> first;
    const auto worker = [&] {
        while (!ends) {
            const std::size_t begin = next.fetch_add(batch);
            if (begin >= all.size()) return;
            const Result<void> outcome = work(all.subspan(begin, std::min(batch, all.size() - begin)));
            if (outcome) continue;
            ends = true;
            const std::lock_guard lock(mutex);
            if (!first) first = outcome.error();
        }
    };
    {
        const std::size_t batches = (all.size() + batch - 1) / batch;
        const std::size_t wanted = std::min(batches, static_cast<std::size_t>(std::max(jobs, 1)));
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < wanted; ++i) workers.emplace_back(worker);
    }
    if (first) return *std::move(first);
    return {};
}

}  // namespace sallyport::migration
