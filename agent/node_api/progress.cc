#include "agent/node_api/progress.h"

#include <algorithm>

namespace sallyport::node_api {
namespace {

bool is_job_name(const std::string& job) {
    return !job.empty() && job.size() <= 64 && std::all_of(job.begin(), job.end(), [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    });
}

}  // namespace

ProgressBoard::Line::~Line() {
    if (board_ == nullptr) return;
    const std::lock_guard lock(board_->mutex_);
    board_->states_.erase(job_);
}

Result<ProgressBoard::Line> ProgressBoard::begin(const std::string& job) {
    if (!is_job_name(job)) return Error{Code::InvalidInput, "'job' must be up to 64 letters, digits and dashes", {}};
    const std::lock_guard lock(mutex_);
    if (!states_.try_emplace(job).second) return Error{Code::Conflict, "a request called " + job + " runs already", {}};
    return Line(*this, job);
}

void ProgressBoard::update(const std::string& job, std::uint64_t done, std::uint64_t total) {
    const std::lock_guard lock(mutex_);
    if (const auto found = states_.find(job); found != states_.end()) found->second = {done, total};
}

std::optional<ProgressBoard::State> ProgressBoard::find(const std::string& job) const {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(job);
    if (found == states_.end()) return std::nullopt;
    return found->second;
}

}  // namespace sallyport::node_api
