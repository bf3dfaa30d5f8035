#include "integrations/libvirt/event_loop.h"

#include <mutex>

#include "integrations/libvirt/library.h"

namespace sallyport::libvirt {
namespace {

constexpr int Disabled = -1;
constexpr int AtOnce = 0;

}  // namespace

Result<std::shared_ptr<EventLoop>> EventLoop::shared() {
    static std::mutex mutex;
    static std::weak_ptr<EventLoop> running;
    const std::lock_guard lock(mutex);
    if (auto loop = running.lock()) return loop;

    // Registering twice is an error of the caller (virEventRegisterImpl(3)); the implementation stays for good.
    static const bool registered = library().virEventRegisterDefaultImpl() == 0;
    if (!registered)
        return Error{Code::Internal, "libvirt's event loop cannot be registered", library().virGetLastErrorMessage()};
    const int timer = library().virEventAddTimeout(
        Disabled, [](int, void*) {}, nullptr, nullptr);
    if (timer < 0)
        return Error{Code::Internal, "libvirt's event loop takes no timer", library().virGetLastErrorMessage()};
    auto loop = std::make_shared<EventLoop>(timer);
    running = loop;
    return loop;
}

EventLoop::EventLoop(int wake_timer) : wake_timer_(wake_timer), thread_([this] { run(); }) {}

EventLoop::~EventLoop() {
    ending_ = true;
    library().virEventUpdateTimeout(wake_timer_, AtOnce);
    thread_.join();
    library().virEventRemoveTimeout(wake_timer_);
}

void EventLoop::run() {
    while (!ending_) library().virEventRunDefaultImpl();
}

}  // namespace sallyport::libvirt
