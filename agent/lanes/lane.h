#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/lanes/edge_threads.h"
#include "agent/lanes/job.h"
#include "keymanager/base/result.h"

namespace sallyport::lanes {

struct LaneConfig {
    std::string name;  ///< for the log and the metrics: "keys", "volumes", "hypervisor"
    std::size_t threads = 2;
    std::size_t queue = 256;  ///< how many calls wait; one more is refused
    /// How many calls a thread has begun at a time. While one waits as a SharedCall (for the commit that it shares with
    /// others), the thread runs the next; what blocks in any other way holds all of them up.
    std::size_t calls_a_thread = 1;
};

/// What a lane has done so far, for the metrics.
struct LaneCounters {
    std::size_t depth;      ///< calls that wait now
    std::size_t running;    ///< calls that have begun and are not done
    std::uint64_t done;     ///< calls that ran to their end
    std::uint64_t refused;  ///< calls that found the queue full or the lane closed
};

/// Where blocking calls run: a bounded pool of threads beside the edge.
///
/// A call is never abandoned: once accepted it runs to its end (the library's own timeout bounds it), so it may refer
/// to whatever lives in the awaiting coroutine. Thread-safe. Drain a lane before the edge that awaits it is destroyed.
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
        Call<F> call(fn, co_await boost::asio::this_coro::executor);
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            [this, &call](auto handler) {
                call.handler.emplace(std::move(handler));
                if (push(*pool_, call)) return;
                call.answer.emplace(overloaded(*pool_));
                call.resume();
            },
            boost::asio::use_awaitable);
        co_return std::move(*call.answer);
    }

    /// The same for calls that usually take microseconds (a read from a local database): on an edge thread `fn` runs
    /// right there, once the coroutine is suspended, which saves two thread switches. If it is not done within the
    /// edge's patience another thread takes the event loop over, so a slow call never holds up anybody else.
    template <class F>
    boost::asio::awaitable<ResultOf<F>> run_brief(F fn) {
        EdgeLoop* loop = EdgeLoop::current();
        if (loop == nullptr || !loop->reserve_spare()) {
            auto answer = co_await run(std::move(fn));
            co_return std::move(answer);
        }
        BriefCall<F> call(fn, co_await boost::asio::this_coro::executor, pool_);
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            [loop, &call](auto handler) {
                call.handler.emplace(std::move(handler));
                loop->lend(call);
            },
            boost::asio::use_awaitable);
        co_return std::move(*call.answer);
    }

    /// Refuses new calls from now on; those accepted still run.
    void close();
    /// close(), then waits until every accepted call is done and the threads have ended. Blocks; not from an edge
    /// thread.
    void drain();

    const std::string& name() const;
    LaneCounters counters() const;

private:
    struct Pool;
    using Handler = typename boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

    /// One call: lives in the frame of the coroutine that awaits it, so a hop costs no allocation of its own.
    template <class F>
    struct Call : Job {
        Call(F& fn, boost::asio::any_io_executor on) : function(fn), executor(std::move(on)) {}
        void execute() noexcept override { answer.emplace(call_flat(function)); }
        void resume() noexcept override {
            // The loop may finish the coroutine, and this call with it, before post() returns.
            const boost::asio::any_io_executor on = executor;
            Handler continuation = std::move(*handler);
            boost::asio::post(on, std::move(continuation));
        }
        void resume_here() noexcept override {
            Handler continuation = std::move(*handler);
            std::move(continuation)();
        }

        F& function;
        boost::asio::any_io_executor executor;
        std::optional<Handler> handler;
        std::optional<ResultOf<F>> answer;
    };

    template <class F>
    struct BriefCall final : Call<F> {
        BriefCall(F& fn, boost::asio::any_io_executor on, std::shared_ptr<Pool> lane)
            : Call<F>(fn, std::move(on)), pool(std::move(lane)) {}
        void execute() noexcept override {
            if (!begin_brief(*pool)) {
                this->answer.emplace(overloaded(*pool));
                return;
            }
            Call<F>::execute();
            end_brief(*pool);
        }
        std::shared_ptr<Pool> pool;
    };

    static Error overloaded(const Pool& pool);
    static bool push(Pool& pool, Job& job);
    static bool begin_brief(Pool& pool);
    static void end_brief(Pool& pool);

    std::shared_ptr<Pool> pool_;  ///< owners: this and the brief calls on the edge
};

}  // namespace sallyport::lanes
