#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// What the head of the agent's answer to a question for keys says (RFC 9112).
struct AgentAnswerHead {
    int status = 0;
    std::size_t body_length = 0;  ///< Content-Length
    std::size_t size = 0;         ///< of the head, its empty line included: there the body begins
    bool stays = true;            ///< the connection may be used again

    friend bool operator==(const AgentAnswerHead&, const AgentAnswerHead&) = default;
};

/// Reads it from what has come of the answer so far; nothing while the head is not whole.
/// Error: `Corrupt` if it is no HTTP/1.1 response with a Content-Length.
Result<std::optional<AgentAnswerHead>> read_agent_answer(std::string_view received);

}  // namespace sallyport::object
