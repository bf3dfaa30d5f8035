#include "agent/images/watcher.h"

#include <algorithm>
#include <utility>

#include "integrations/image/notification.h"
#include "keymanager/base/log.h"

namespace sallyport::images {

void Watcher::run() {
    while (!hooks_.stops()) {
        if (queue_ == nullptr && hooks_.connect && hooks_.now() >= next_connect_) connect();
        look_if_due();
        if (queue_ != nullptr) {
            take_one();
        } else {
            hooks_.pause(times_.breath);
        }
    }
    // What was not acknowledged goes back.
    queue_.reset();
}

void Watcher::connect() {
    auto connected = hooks_.connect();
    if (!connected) return drop(connected.error());
    queue_ = *std::move(connected);
    log_info("connected to RabbitMQ");
    next_look_ = std::min(next_look_, std::max(hooks_.now(), last_look_ + times_.after_look));
}

void Watcher::drop(const Error& error) {
    queue_.reset();
    pause_ = std::clamp(pause_ * 2, times_.first_pause, times_.longest_pause);
    next_connect_ = hooks_.now() + pause_;
    log_warning("{}; again in {} s", error.message, pause_.count());
}

void Watcher::look_if_due() {
    if (hooks_.now() < next_look_) return;
    const auto looked = hooks_.look();
    last_look_ = hooks_.now();
    next_look_ = last_look_ + times_.between_looks;
    if (looked) return;
    // Sooner than usual: as soon as a connection would be tried.
    next_look_ = last_look_ + std::min(times_.between_looks, times_.longest_pause);
    log_warning("cannot look for images that are gone: {}", looked.error().message);
}

void Watcher::take_one() {
    const auto notification = queue_->next(times_.breath);
    if (!notification) return drop(notification.error());
    if (*notification) {
        if (const auto handled = handle(**notification); !handled) return drop(handled.error());
    }
    // All is well again.
    pause_ = std::chrono::seconds(0);
}

Result<void> Watcher::handle(const image::Notification& notification) {
    const auto image = image::deleted_image_of(notification.body);
    if (!image) {
        log_warning("{} ({}): rejected", image.error().message, image.error().detail);
        return queue_->reject(notification);
    }
    if (*image && !(*image)->secret.empty()) {
        const auto told = hooks_.tell(**image);
        if (!told && told.error().code != Code::InvalidInput) return told;
        if (!told) {
            log_warning("image {}: {}: rejected", (*image)->image, told.error().message);
            return queue_->reject(notification);
        }
    }
    return queue_->acknowledge(notification);
}

}  // namespace sallyport::images
