#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "keymanager/base/result.h"

namespace sallyport::node_api {

/// How far the long requests are that run now, by a name that the caller gave each. Thread-safe; calls never block for
/// long, so the edge may ask.
class ProgressBoard {
public:
    struct State {
        std::uint64_t done = 0;
        std::uint64_t total = 0;  ///< 0: not known yet
    };

    /// The line of one request on the board; wiped off with it. Lives no longer than the board.
    class Line {
    public:
        Line(ProgressBoard& board, std::string job) : board_(&board), job_(std::move(job)) {}
        Line(Line&& other) noexcept : board_(other.board_), job_(std::move(other.job_)) { other.board_ = nullptr; }
        Line& operator=(Line&&) = delete;
        ~Line();

    private:
        ProgressBoard* board_;
        std::string job_;
    };

    /// `job`: up to 64 letters, digits and dashes; a UUID, say. Error: `InvalidInput`; `Conflict` if one of that name
    /// runs.
    Result<Line> begin(const std::string& job);

    /// Of a request that has its line.
    void update(const std::string& job, std::uint64_t done, std::uint64_t total);

    /// nullopt: no such request runs; it has not begun, or has ended.
    std::optional<State> find(const std::string& job) const;

private:
    mutable std::mutex mutex_;
    std::map<std::string, State> states_;  ///< as many as requests run on the lane
};

}  // namespace sallyport::node_api
