#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "agent/lanes/job.h"

namespace sallyport::lanes {

struct EdgeConfig {
    std::size_t loops = 0;          ///< event loops, one thread each; 0: as many as cores
    std::size_t spare_threads = 8;  ///< how many brief calls may turn out slow at once
    std::chrono::microseconds patience{
        1000};  ///< how long a brief call may hold its loop before another thread takes it
};

/// One event loop and the thread that runs it now.
///
/// Brief blocking calls may run on that thread itself ("lending" it). A watch looks at loops that are lent; when a call
/// outlasts the patience, a spare thread takes the loop over and the slow call's thread becomes a spare when it is
/// done. So the loop never stands still for longer than the patience, and a fast call costs no thread switch.
class EdgeLoop {
public:
    struct State;
    explicit EdgeLoop(State& state) : state_(state) {}
    EdgeLoop(const EdgeLoop&) = delete;
    EdgeLoop& operator=(const EdgeLoop&) = delete;

    /// The loop that this thread runs now; nullptr on other threads.
    static EdgeLoop* current();

    boost::asio::io_context& context();

    /// Reserves a spare thread that will save the loop, should the next lend() be slow. False: none is free.
    /// Only from the loop's own thread.
    bool reserve_spare();
    /// Runs `job`, whose coroutine is suspended, on this loop's thread. Only from the loop's own thread, after
    /// reserve_spare().
    void lend(Job& job);

private:
    State& state_;
};

/// The edge: all event loops and their threads. Nothing that runs here blocks.
class EdgeThreads {
public:
    struct State;
    explicit EdgeThreads(EdgeConfig config);
    /// Stops and joins.
    ~EdgeThreads();
    EdgeThreads(const EdgeThreads&) = delete;
    EdgeThreads& operator=(const EdgeThreads&) = delete;

    void start();
    /// Leaves the loops (what is queued on them is not run any more) and joins all threads. Blocks; not from the edge.
    void stop();

    bool is_running() const;
    std::size_t size() const;
    boost::asio::io_context& context(std::size_t loop);
    /// How often a brief call turned out slow and its loop changed threads; for the metrics.
    std::size_t rescues() const;

private:
    std::unique_ptr<State> state_;
};

}  // namespace sallyport::lanes
