#include "agent/lanes/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "keymanager/base/assert.h"
#include "keymanager/base/log.h"
#include "keymanager/base/log_switch.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace sallyport::lanes {
namespace {

constexpr std::size_t GuardBytes = 4096;
/// Only what is touched takes memory. JSON, SQLite and OpenSSL together touch some 20 KiB; the sanitizers several times
/// as much.
constexpr std::size_t StackBytes = std::size_t{512} * 1024;

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
    void* mapped = ::mmap(nullptr, GuardBytes + StackBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    mapped_ = static_cast<std::byte*>(mapped);
    SALLYPORT_ASSERT(::mprotect(mapped_, GuardBytes, PROT_NONE) == 0);  // a page of our own
    SALLYPORT_ASSERT(::getcontext(&inside_) == 0);                      // it only copies registers
    inside_.uc_stack.ss_sp = mapped_ + GuardBytes;
    inside_.uc_stack.ss_size = StackBytes;
    inside_.uc_link = nullptr;
    // makecontext() passes integers alone.
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    ::makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::start), 2, static_cast<unsigned int>(self >> 32U),
                  static_cast<unsigned int>(self));
#if defined(__SANITIZE_THREAD__)
    thread_inside_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(thread_inside_);
#endif
    ::munmap(mapped_, GuardBytes + StackBytes);
}

void Fiber::start(unsigned int high, unsigned int low) {
    auto* self = reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32U) | low);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &self->outside_stack_, &self->outside_bytes_);
#endif
    self->body_();
    SALLYPORT_ASSERT(false);  // the body never returns
}

void Fiber::enter() {
    const std::string_view outer_request = LogScope::current();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_outside_, mapped_ + GuardBytes, StackBytes);
#endif
#if defined(__SANITIZE_THREAD__)
    thread_outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(thread_inside_, 0);
#endif
    SALLYPORT_ASSERT(::swapcontext(&outside_, &inside_) == 0);  // it fails for stacks that are too small alone
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_outside_, nullptr, nullptr);
#endif
    switch_log_request(outer_request);
}

void Fiber::leave() {
    const std::string_view own_request = LogScope::current();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_inside_, outside_stack_, outside_bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(thread_outside_, 0);
#endif
    SALLYPORT_ASSERT(::swapcontext(&inside_, &outside_) == 0);  // see enter()
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_inside_, &outside_stack_, &outside_bytes_);
#endif
    switch_log_request(own_request);
}

}  // namespace sallyport::lanes
