#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace sallyport::http {

namespace asio = boost::asio;

/// Interrupts `target` (by its cancel()) when the time is up. `target` outlives it.
template <class Target>
class Alarm {
public:
    Alarm(asio::any_io_executor executor, Target& target, std::chrono::steady_clock::time_point deadline)
        : timer_(std::move(executor), deadline) {
        timer_.async_wait([state = state_, &target](const boost::system::error_code& error) {
            if (error || state->disarmed) return;
            state->rang = true;
            if constexpr (requires { target.cancel(); }) {
                target.cancel();
            } else {
                target->cancel();
            }
        });
    }
    ~Alarm() { state_->disarmed = true; }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    bool rang() const { return state_->rang; }

private:
    struct State {
        bool disarmed = false;
        bool rang = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();  // owners: this and the timer's handler
    asio::steady_timer timer_;
};

}  // namespace sallyport::http
