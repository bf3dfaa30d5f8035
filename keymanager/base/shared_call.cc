#include "keymanager/base/shared_call.h"

#include <atomic>
#include <exception>
#include <thread>

namespace sallyport {
namespace {

constinit thread_local SharedCall* current_call = nullptr;

}  // namespace

SharedCall* SharedCall::current() { return current_call; }

void SharedCall::set_current(SharedCall* call) { current_call = call; }

void run_long(const std::function<void()>& work) {
    SharedCall* call = SharedCall::current();
    if (call == nullptr) return work();
    std::exception_ptr thrown;
    std::atomic<bool> done = false;
    std::thread thread([&work, &thrown, &done, call] {
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
        done.store(true);
        call->unpark();
    });
    while (!done.load()) call->park();
    thread.join();
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace sallyport
