#pragma once

#include "agent/lanes/edge_threads.h"
#include "agent/lanes/job.h"
#include "keymanager/base/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sallyport::lanes {

struct LaneConfig {
    std::string name;         ///< for the log and the metrics: "keys", "volumes", "hypervisor"
    std::size_t threads = 2;  ///< how many calls run at once
    std::size_t queue = 256;  ///< how many wait; one more is refused
};

/// What a lane has done so far, for the metrics.
struct LaneCounters {
    std::size_t depth;      ///< calls that wait now
    std::size_t running;    ///< calls that run now
    std::uint64_t done;     ///< calls that ran to their end
    std::uint64_t refused;  ///< calls that found the queue full or the lane closed
};

/// Where blocking calls run: a bounded pool of threads beside the edge.
///
/// A call is never abandoned: once accepted it runs to its end (the library's own timeout bounds it), so it may refer
/// to whatever lives in the awaiting coroutine. Thread-safe.
class Lane {
public:
    explicit Lane(LaneConfig config);
    /// Drains.
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// Runs `fn` on the lane and resumes on the caller's executor with its Result (a function of T gives Result<T>).
    /// `fn` must not throw. Error: that of `fn`; `Overloaded` at once if the queue is full or the lane is closed.
    ///
    ///     auto secret = co_await keys.run([this, caller, id] { return key_manager_.fetch(caller, id); });
    ///     if (!secret) co_return to_response(secret.error());
    template <class F>
    boost::asio::awaitable<ResultOf<F>> run(F fn) {
        auto executor = co_await boost::asio::this_coro::executor;
        Call<F> call(fn, executor);
        bool accepted = true;
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            [this, &call, &accepted](auto handler) {
                call.handler.emplace(std::move(handler));
                accepted = push(call);
                if (!accepted) call.resume();
            },
            boost::asio::use_awaitable);
        if (!accepted) co_return overloaded();
        co_return std::move(*call.answer);
    }

    /// The same for calls that usually take microseconds (a read from a local database): on an edge thread `fn` runs
    /// right there, once the coroutine is suspended, which saves two thread switches. If it is not done within the
    /// edge's patience another thread takes the event loop over, so a slow call never holds up anybody else.
    template <class F>
    boost::asio::awaitable<ResultOf<F>> run_brief(F fn) {
        EdgeLoop* loop = EdgeLoop::current();
        if (loop == nullptr || !loop->may_lend() || !begin_brief()) {
            auto answer = co_await run(std::move(fn));
            co_return std::move(answer);
        }
        auto executor = co_await boost::asio::this_coro::executor;
        Call<F> call(fn, executor);
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            [loop, &call](auto handler) {
                call.handler.emplace(std::move(handler));
                loop->lend(call);
            },
            boost::asio::use_awaitable);
        end_brief();
        co_return std::move(*call.answer);
    }

    /// Refuses new calls from now on; those accepted still run.
    void close();
    /// close(), then waits until every accepted call is done and the threads have ended. Blocks; not from an edge
    /// thread.
    void drain();

    const std::string& name() const { return config_.name; }
    LaneCounters counters() const;

private:
    using Handler = typename boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

    /// One call: lives in the frame of the coroutine that awaits it, so a hop costs no allocation of its own.
    template <class F>
    struct Call final : Job {
        Call(F& fn, boost::asio::any_io_executor on) : function(fn), executor(std::move(on)) {}
        void execute() noexcept override { answer.emplace(call_flat(function)); }
        void resume() noexcept override { boost::asio::post(executor, std::move(*handler)); }
        void resume_here() noexcept override {
            Handler continuation = std::move(*handler);
            std::move(continuation)();
        }

        F& function;
        boost::asio::any_io_executor executor;
        std::optional<Handler> handler;
        std::optional<ResultOf<F>> answer;
    };

    Error overloaded() const;
    bool push(Job& job);
    bool begin_brief();
    void end_brief();

    LaneConfig config_;
    struct Pool;
    std::unique_ptr<Pool> pool_;
};

}  // namespace sallyport::lanes
