#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/lanes/edge_threads.h"

namespace sallyport::app {

/// Asks each event loop to make a mark, and looks whether it did: a loop that stands still serves nobody, and no call
/// of its own would ever say so. One thread; the edge must be running, and stopped before this goes.
class Heartbeat {
public:
    explicit Heartbeat(lanes::EdgeThreads& edge) : edge_(edge), marks_(edge.size()) {}

    /// True if every loop has answered since the last call (the first call only asks). Never waits.
    bool beat();
    /// How many loops did not answer the last time.
    std::size_t silent() const { return silent_; }

private:
    lanes::EdgeThreads& edge_;
    std::vector<std::atomic<std::uint64_t>> marks_;
    std::uint64_t asked_ = 0;
    std::size_t silent_ = 0;
};

}  // namespace sallyport::app
