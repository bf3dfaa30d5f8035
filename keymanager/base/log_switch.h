#pragma once

#include <string_view>

namespace sallyport {

/// Puts another request in the place of the one that this thread's log lines carry (LogScope::current()). For whatever
/// has one thread do several things in turn (lanes::Fiber): each takes its own request with it when it leaves.
void switch_log_request(std::string_view request_id) noexcept;

}  // namespace sallyport
