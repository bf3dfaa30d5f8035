#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::auth {

/// Lets one question be asked once: whoever asks for a key that somebody is asking for already waits for that answer.
/// `Value` is copied to each of them. Thread-safe; every caller resumes on its own executor.
template <class Key, class Value, class Hash = std::hash<Key>>
class SingleFlight {
public:
    using Answer = Result<Value>;

    /// The answer of `ask` (a function without arguments that gives awaitable<Result<Value>>), or of the one under way.
    template <class Ask>
    boost::asio::awaitable<Answer> run(Key key, Ask ask) {
        const auto [flight, is_leader] = join(key);
        if (is_leader) {
            // Lands the flight even if this coroutine is destroyed on its way: nobody waits for ever.
            Landing landing(*this, key, flight);
            Answer answer = co_await ask();
            landing.answer = answer;
            co_return answer;
        }
        co_await flight->wait();
        co_return flight->answer();
    }

private:
    class Flight {
    public:
        boost::asio::awaitable<void> wait() {
            auto executor = co_await boost::asio::this_coro::executor;
            co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
                [this, &executor](auto handler) {
                    {
                        const std::lock_guard lock(mutex_);
                        if (!answer_) {
                            waiters_.push_back({executor, std::move(handler)});
                            return;
                        }
                    }
                    boost::asio::post(executor, std::move(handler));
                },
                boost::asio::use_awaitable);
        }

        void land(Answer answer) {
            std::vector<Waiter> waiters;
            {
                const std::lock_guard lock(mutex_);
                answer_.emplace(std::move(answer));
                waiters.swap(waiters_);
            }
            for (Waiter& waiter : waiters) boost::asio::post(waiter.executor, std::move(waiter.handler));
        }

        Answer answer() const {
            const std::lock_guard lock(mutex_);
            return *answer_;  // there is one: wait() has returned
        }

    private:
        using Handler = typename boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
        struct Waiter {
            boost::asio::any_io_executor executor;
            Handler handler;
        };

        mutable std::mutex mutex_;
        std::optional<Answer> answer_;
        std::vector<Waiter> waiters_;
    };

    using FlightPtr = std::shared_ptr<Flight>;  // owners: the map while it is under way, its leader, its waiters

    struct Landing {
        Landing(SingleFlight& owner, const Key& flight_key, FlightPtr of)
            : flights(owner), key(flight_key), flight(std::move(of)) {}
        ~Landing() {
            flights.forget(key);
            flight->land(std::move(answer));
        }
        Landing(const Landing&) = delete;
        Landing& operator=(const Landing&) = delete;

        SingleFlight& flights;
        Key key;
        FlightPtr flight;
        Answer answer = Error{Code::Unavailable, "whoever was asking has given up; try again", {}};
    };

    std::pair<FlightPtr, bool> join(const Key& key) {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(key);
        if (found != flights_.end()) return {found->second, false};
        const auto flight = std::make_shared<Flight>();
        flights_.emplace(key, flight);
        return {flight, true};
    }

    void forget(const Key& key) {
        const std::lock_guard lock(mutex_);
        flights_.erase(key);
    }

    std::mutex mutex_;
    std::unordered_map<Key, FlightPtr, Hash> flights_;
};

}  // namespace sallyport::auth
