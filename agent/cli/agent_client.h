#pragma once

#include <boost/json/value.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/command.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::cli {

/// The running agent, asked over its UNIX socket; the agent knows the caller by the socket's peer credentials.
/// Blocking, one call at a time. Not for the agent itself.
class AgentClient {
public:
    /// The first UNIX socket of `listen` in the configuration. Connects on the first call.
    /// Error: that of the configuration; `InvalidInput` if it has no UNIX socket.
    static Result<AgentClient> from_config(const CliContext& context);
    /// The socket at this path.
    explicit AgentClient(std::string socket_path);
    ~AgentClient();
    const std::string& socket_path() const { return socket_path_; }
    /// How long a call may take (5 minutes otherwise). Error of a call that takes longer: `Unavailable`.
    void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
    AgentClient(AgentClient&&) noexcept;
    AgentClient& operator=(AgentClient&&) noexcept;

    /// A call with JSON in and out, for bodies that hold no secret. The answer's body, null if it has none.
    /// Error: `Unavailable` with "is the agent running?" if nobody listens; else the code of the answer's status, with
    /// the description that it gave.
    Result<boost::json::value> call(std::string_view method, std::string_view target,
                                    const std::optional<boost::json::value>& body = std::nullopt);

    /// Any request; the answer whatever its status. Bodies stay in locked memory.
    Result<api::Response> send(std::string_view method, std::string_view target,
                               const std::vector<api::Header>& headers, SecureBytes body);

private:
    std::string socket_path_;
    // Longer than anything the agent does for one request: Argon2 on a slow machine takes seconds, an image much
    // longer, but that is done here and not there.
    std::chrono::milliseconds patience_ = std::chrono::minutes(5);
};

/// The Error that an answer outside 2xx stands for: its status as a Code, its description as the message.
Error error_of(const api::Response& response);

}  // namespace sallyport::cli
