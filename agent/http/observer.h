#pragma once

#include <chrono>
#include <cstdint>

#include "keymanager/api/http_message.h"

namespace sallyport::http {

/// Sees every request that is handed to a door, and what became of it. Called on event loops, many at a time: quick,
/// and without a lock.
class Observer {
public:
    virtual ~Observer() = default;
    /// A request's head is here. The number comes back with the answer.
    virtual std::uint32_t began(const api::Request& request) noexcept = 0;
    /// Its answer has left, or was given up. `status` is 0 if none was begun.
    virtual void answered(std::uint32_t number, int status, std::chrono::nanoseconds took) noexcept = 0;
};

}  // namespace sallyport::http
