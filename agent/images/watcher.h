#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "integrations/image/notification_queue.h"
#include "keymanager/base/result.h"
#include "keymanager/model/image.h"

namespace sallyport::images {

struct WatchTimes {
    std::chrono::seconds between_looks{600};
    /// A new connection may have missed something, but not so soon after a look.
    std::chrono::seconds after_look{60};
    std::chrono::seconds first_pause{1};
    std::chrono::seconds longest_pause{30};
    /// How long one wait for a notification is: stopping takes as long.
    std::chrono::milliseconds breath{1000};
};

/// What a watcher works with.
struct WatchHooks {
    using SteadyTime = std::chrono::steady_clock::time_point;

    /// Absent: there is no broker, and looking has to do.
    std::function<Result<std::unique_ptr<image::NotificationQueue>>()> connect;
    /// Tells the agent of a deleted image. No error: it will not forget it. Error: `InvalidInput` if it never can take
    /// this one; any other, and the notification stays with the broker.
    std::function<Result<void>(const model::ImageKey&)> tell;
    /// Has the agent walk through all images.
    std::function<Result<void>()> look;
    std::function<void(std::chrono::milliseconds)> pause;
    std::function<bool()> stops;
    std::function<SteadyTime()> now = std::chrono::steady_clock::now;
};

/// Takes notifications of deleted images from the broker to the agent, each acknowledged only once the agent has it,
/// and has it look for what no notification told: from time to time, and after each new connection, since a broker
/// that was away may have lost some. Whatever fails, the connection is dropped, so that the broker keeps what was not
/// acknowledged, and opened anew after a pause that grows.
///
/// One thread, that of run().
class Watcher {
public:
    Watcher(WatchHooks hooks, WatchTimes times) : hooks_(std::move(hooks)), times_(times) {}

    /// Until `stops`.
    void run();

private:
    void connect();
    void drop(const Error& error);
    void look_if_due();
    void take_one();
    Result<void> handle(const image::Notification& notification);

    const WatchHooks hooks_;
    const WatchTimes times_;
    std::unique_ptr<image::NotificationQueue> queue_;
    WatchHooks::SteadyTime next_connect_{};
    WatchHooks::SteadyTime next_look_{};
    WatchHooks::SteadyTime last_look_{};
    std::chrono::seconds pause_{0};
};

}  // namespace sallyport::images
