#include "agent/http/link.h"

#include <iterator>
#include <utility>

namespace sallyport::http {

std::unique_ptr<Link> LinkPool::take(const asio::any_io_executor& executor) {
    for (;;) {
        std::unique_ptr<Link> link = take_any(executor);
        if (link == nullptr || !link->stream->peer_is_gone()) return link;
    }
}

std::unique_ptr<Link> LinkPool::take_any(const asio::any_io_executor& executor) {
    const std::lock_guard lock(mutex_);
    for (auto link = idle_.rbegin(); link != idle_.rend(); ++link) {
        if ((*link)->executor != executor) continue;
        std::unique_ptr<Link> taken = std::move(*link);
        idle_.erase(std::next(link).base());
        return taken;
    }
    return nullptr;
}

void LinkPool::keep(std::unique_ptr<Link> link) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < most_) idle_.push_back(std::move(link));
}

}  // namespace sallyport::http
