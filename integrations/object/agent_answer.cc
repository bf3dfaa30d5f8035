#include "integrations/object/agent_answer.h"

#include <algorithm>
#include <charconv>

#include "integrations/object/head.h"
#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

constexpr std::string_view LineEnd = "\r\n";
constexpr std::string_view Version = "HTTP/1.1 ";

/// Without its end, which it must have.
std::string_view take_line(std::string_view& rest) {
    const std::string_view line = rest.substr(0, rest.find(LineEnd));
    rest.remove_prefix(line.size() + LineEnd.size());
    return line;
}

/// 200 of "HTTP/1.1 200 OK"; 0 if it is no such line.
int status_of(std::string_view line) {
    if (!line.starts_with(Version)) return 0;
    line.remove_prefix(Version.size());
    int status = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + std::min<std::size_t>(line.size(), 3), status);
    const bool three_digits = error == std::errc() && end == line.data() + 3 && status >= 100;
    return three_digits ? status : 0;
}

}  // namespace

Result<std::optional<AgentAnswerHead>> read_agent_answer(std::string_view received) {
    const Error malformed{Code::Corrupt, "the agent's answer is malformed", {}};
    const auto end = received.find("\r\n\r\n");
    if (end == std::string_view::npos) return {std::nullopt};
    std::string_view lines = received.substr(0, end + LineEnd.size());
    AgentAnswerHead head{.status = status_of(take_line(lines)), .size = end + 2 * LineEnd.size()};
    std::optional<std::size_t> length;
    while (!lines.empty()) {
        const std::string_view line = take_line(lines);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return malformed;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (equal_no_case(name, "Connection") && equal_no_case(value, "close")) head.stays = false;
        if (!equal_no_case(name, "Content-Length")) continue;
        const auto number = parse_number(value);
        if (!number || length) return malformed;
        length = static_cast<std::size_t>(*number);
    }
    if (head.status == 0 || !length) return malformed;
    head.body_length = *length;
    return {head};
}

}  // namespace sallyport::object
