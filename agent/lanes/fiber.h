#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace sallyport::lanes {

/// A function on a stack of its own, which its thread can leave in the middle and come back to.
///
/// Used by one thread from beginning to end: what the function keeps in that thread's memory (errno, thread_local)
/// would not follow it to another. The request that its log lines carry (LogScope) goes and comes with it.
class Fiber {
public:
    /// `body` runs at the first enter() and must never return: whoever has nothing left to do leaves, and is destroyed
    /// there. So nothing may be alive on its stack then.
    explicit Fiber(std::function<void()> body);
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// From outside: goes on where the body left, and returns when it leaves again.
    void enter();
    /// From the body: back to who entered.
    void leave();

private:
    static void start(unsigned int high, unsigned int low);

    const std::function<void()> body_;
    std::byte* mapped_ = nullptr;  ///< a page that nobody may touch, and the stack above it
    ucontext_t inside_{};
    ucontext_t outside_{};
    // What the sanitizers want to know of a stack that is left.
    const void* outside_stack_ = nullptr;
    std::size_t outside_bytes_ = 0;
    void* fake_inside_ = nullptr;
    void* fake_outside_ = nullptr;
    void* thread_inside_ = nullptr;
    void* thread_outside_ = nullptr;
};

}  // namespace sallyport::lanes
