#pragma once

#include <atomic>
#include <chrono>

#include "keymanager/base/clock.h"

namespace sallyport::fakes {

/// A clock that moves when told to. Thread-safe.
class ManualClock final : public Clock {
public:
    explicit ManualClock(Timestamp start = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                                           std::chrono::hours(6))
        : now_(start.time_since_epoch().count()) {}

    Timestamp now() const override { return Timestamp(std::chrono::microseconds(now_)); }
    void advance(std::chrono::microseconds by) { now_ += by.count(); }

private:
    std::atomic<std::chrono::microseconds::rep> now_;
};

}  // namespace sallyport::fakes
