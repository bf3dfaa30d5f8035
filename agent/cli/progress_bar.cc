#include "agent/cli/progress_bar.h"

#include <boost/json.hpp>
#include <unistd.h>

#include <chrono>
#include <future>
#include <iostream>
#include <memory>
#include <string>

#include "agent/cli/agent_client.h"
#include "keymanager/base/uuid.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;
using Bar = std::function<void(std::uint64_t, std::uint64_t)>;

constexpr std::string_view ProgressRoot = "/sallyport/v1/volumes/progress/";
constexpr std::chrono::milliseconds Between{200};
// An image of some terabytes takes hours on a slow disk; whoever has had enough presses Ctrl-C.
constexpr std::chrono::hours WithoutEnd{24 * 365};

std::uint64_t number_at(const json::value& answer, std::string_view name) {
    const json::value* value = answer.is_object() ? answer.get_object().if_contains(name) : nullptr;
    json::error_code failed;
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(failed) : 0;
}

/// Asks how far the agent is. What goes wrong here goes wrong with the request itself, which says so.
void show(const CliContext& context, const std::string& job, const Bar& bar) {
    auto agent = AgentClient::from_config(context);
    if (!agent) return;
    const auto state = agent->call("GET", std::string(ProgressRoot) + job);
    if (!state) return;
    const std::uint64_t total = number_at(*state, "total");
    if (total != 0) bar(number_at(*state, "done"), total);
}

/// A line of the terminal, drawn over and over. What comes after it begins on a new one.
class Line {
public:
    Line() = default;
    ~Line() {
        if (percent_ >= 0) std::cerr << std::endl;
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void draw(std::uint64_t done, std::uint64_t total) {
        const int percent = static_cast<int>(100 * static_cast<double>(done) / static_cast<double>(total));
        if (percent == percent_) return;
        percent_ = percent;
        const auto width = static_cast<std::size_t>(percent / 2);
        std::cerr << "\r[" << std::string(width, '#') << std::string(50 - width, ' ') << "] " << percent << " %"
                  << std::flush;
    }

private:
    int percent_ = -1;
};

}  // namespace

Bar progress_bar(const CliContext& context) {
    if (context.quiet || isatty(STDERR_FILENO) != 1) return {};
    // Owners: the copies of the function; the last one gone ends the line.
    return [line = std::make_shared<Line>()](std::uint64_t done, std::uint64_t total) { line->draw(done, total); };
}

Result<json::object> ask_agent_with_progress(CliContext& context, const std::string& target, json::object body) {
    const std::string job = random_uuid();
    body["job"] = job;
    AgentClient agent = TRY(AgentClient::from_config(context));
    agent.set_patience(WithoutEnd);
    auto running = std::async(std::launch::async,
                              [&agent, &target, &body] { return agent.call("POST", target, json::value(body)); });
    const Bar bar = progress_bar(context);
    if (bar) {
        bar(0, 1);
        while (running.wait_for(Between) != std::future_status::ready) show(context, job, bar);
    }
    auto answer = running.get();
    if (!answer) return answer.error();
    if (bar) bar(1, 1);
    if (!answer->is_object()) return Error{Code::Internal, "the agent's answer is no JSON object", {}};
    return std::move(answer->get_object());
}

}  // namespace sallyport::cli
