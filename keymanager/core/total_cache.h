#pragma once

#include <optional>
#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/core/mark_cache.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

/// How many secrets the lists had that were asked for last, so that who turns their pages does not have them counted
/// again: a database counts by looking at each. A number counts until something is committed (MarkCache) or the next
/// secret expires.
///
/// Thread-safe.
class TotalCache {
public:
    struct Total {
        long count = 0;
        Timestamp until;  ///< when the next secret expires, of whatever project
    };

    std::optional<long> find(const ProjectId& project, const model::SecretFilter& filter, const db::CommitMark& mark,
                             Timestamp now);
    /// `read_at` is the mark from before the read.
    void put(const ProjectId& project, const model::SecretFilter& filter, const db::CommitMark& read_at,
             const Total& total);

private:
    static constexpr std::size_t Lists = 64;
    MarkCache<std::string, Total, Lists> totals_;
};

}  // namespace sallyport::core
