#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "keymanager/base/result.h"

namespace sallyport::libvirt {

/// The thread that runs libvirt's events, which are one set for the whole process: keep-alive needs them.
/// Must exist before the first connection is opened and outlive the last one.
class EventLoop {
public:
    /// The running loop, or a new one. It ends with its last owner. Thread-safe.
    static Result<std::shared_ptr<EventLoop>> shared();

    explicit EventLoop(int wake_timer);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

private:
    void run();

    const int wake_timer_;
    std::atomic<bool> ending_{false};
    std::thread thread_;
};

}  // namespace sallyport::libvirt
