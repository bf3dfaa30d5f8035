#pragma once

#include <chrono>
#include <cstddef>

#include "keymanager/model/quota.h"

namespace sallyport::core {

/// What happens to a secret or container that somebody has registered to use (a consumer) when its owner deletes it.
enum class DeleteWithConsumers {
    Allow,  ///< it goes, and its consumers with it, as in Barbican
    Warn,   ///< the same, and the log and the answer say so
    Refuse  ///< it stays
};

/// When what ends, and for how long it can be taken back.
struct LifeCycleRules {
    DeleteWithConsumers delete_with_consumers = DeleteWithConsumers::Allow;
    std::chrono::days undelete_window{7};  ///< 0: deleted is deleted
    std::chrono::days finished_orders{0};  ///< orders that ended longer ago are swept; 0: none
    bool sweep_expired = false;            ///< secrets past their expiration are swept
};

struct KeyManagerLimits {
    std::size_t secret_bytes = 20000;
    model::Quotas quotas{};  ///< of projects for which none were set; what is absent here is any number
    LifeCycleRules life_cycle{};
};

}  // namespace sallyport::core
