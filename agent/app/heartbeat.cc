#include "agent/app/heartbeat.h"

#include <boost/asio/post.hpp>

namespace sallyport::app {

bool Heartbeat::beat() {
    silent_ = 0;
    for (const auto& mark : marks_) silent_ += mark.load() == asked_ ? 0 : 1;
    // A loop that owes an answer is not asked again: questions must not pile up on it.
    if (silent_ > 0) return false;
    ++asked_;
    for (std::size_t loop = 0; loop < marks_.size(); ++loop) {
        boost::asio::post(edge_.context(loop), [&mark = marks_[loop], now = asked_] { mark.store(now); });
    }
    return true;
}

}  // namespace sallyport::app
