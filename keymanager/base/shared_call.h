#pragma once

#include <functional>

namespace sallyport {

/// A call that shares its thread with others (agent/lanes). Where another call would block its thread, this one parks:
/// the thread goes on with the others. Belongs to the thread that runs it.
///
/// Whoever may wait long for another thread asks for current(). No lock is held over park() or yield(): the next call
/// on the same thread may want it.
class SharedCall {
public:
    /// The call that runs now; nullptr on a thread that has but one.
    static SharedCall* current();

    /// Waits for unpark(); not at all if that came first. May return without one: look whether what you wait for is
    /// there.
    virtual void park() = 0;
    /// Ends one park(). From any thread; the call may be gone when this returns.
    virtual void unpark() = 0;
    /// Lets the others of this thread go first, those as well that wait for their start.
    virtual void yield() = 0;

protected:
    ~SharedCall() = default;
    /// For who runs calls, whenever the thread passes to another.
    static void set_current(SharedCall* call);
};

/// Runs `work`, which takes a processor for long, without holding up the calls that share this thread.
void run_long(const std::function<void()>& work);

}  // namespace sallyport
