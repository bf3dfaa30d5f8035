#include "agent/cli/agent_client.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

#include "agent/config/config.h"
#include "agent/http/client.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/uuid.h"

namespace sallyport::cli {
namespace {

Code code_of_status(int status) {
    switch (status) {
        case 401: return Code::Unauthenticated;
        case 403: return Code::Forbidden;
        case 404: return Code::NotFound;
        case 409: return Code::Conflict;
        case 413: return Code::TooLarge;
        case 503: return Code::Unavailable;
        default: return status >= 500 ? Code::Internal : Code::InvalidInput;
    }
}

/// What the answer says about itself: Barbican's description, keystonemiddleware's message, or nothing.
std::string description_of(const api::Response& response) {
    boost::system::error_code error;
    const boost::json::value body = boost::json::parse(text_of(response.body.reveal()), error);
    if (error || !body.is_object()) return {};
    const auto text_of_member = [](const boost::json::value* object, std::string_view name) -> std::string {
        const auto* const found =
            object != nullptr && object->is_object() ? object->get_object().if_contains(name) : nullptr;
        return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    if (std::string description = text_of_member(&body, "description"); !description.empty()) return description;
    return text_of_member(body.get_object().if_contains("error"), "message");
}

}  // namespace

Error error_of(const api::Response& response) {
    const std::string description = description_of(response);
    return {code_of_status(response.status),
            description.empty() ? fmt::format("the agent answered {}", response.status) : description,
            fmt::format("status {}", response.status)};
}

AgentClient::AgentClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}
AgentClient::~AgentClient() = default;
AgentClient::AgentClient(AgentClient&&) noexcept = default;
AgentClient& AgentClient::operator=(AgentClient&&) noexcept = default;

Result<AgentClient> AgentClient::from_config(const CliContext& context) {
    const config::Config config = TRY(config::load_without_files(context.config_file));
    const config::Listener* const door = config.unix_listener();
    if (door == nullptr) {
        return Error{
            Code::InvalidInput,
            fmt::format("{}: listen has no UNIX socket, which is where this command calls", context.config_file),
            {}};
    }
    return AgentClient(door->unix_path);
}

Result<api::Response> AgentClient::send(std::string_view method, std::string_view target,
                                        const std::vector<api::Header>& headers, SecureBytes body) {
    http::Endpoint endpoint;
    endpoint.transport = http::Transport::Unix;
    endpoint.host = socket_path_;
    api::Request request;
    request.method = method;
    request.target = target;
    request.headers = headers;
    request.body = std::move(body);
    auto response = http::fetch_blocking(endpoint, request, patience_);
    if (!response && response.error().code == Code::Unavailable) {
        return Error{Code::Unavailable,
                     fmt::format("{}: is the agent running? ({})", socket_path_, response.error().message),
                     response.error().detail};
    }
    return response;
}

Result<boost::json::value> AgentClient::call(std::string_view method, std::string_view target,
                                             const std::optional<boost::json::value>& body) {
    std::vector<api::Header> headers = {{"Accept", "application/json"}};
    SecureBytes content;
    if (body) {
        headers.emplace_back("Content-Type", "application/json");
        content = TRY(SecureBytes::copy_of(bytes_of(boost::json::serialize(*body))));
    }
    const api::Response response = TRY(send(method, target, headers, std::move(content)));
    if (response.status < 200 || response.status >= 300) return error_of(response);
    if (response.body.empty()) return boost::json::value(nullptr);
    boost::system::error_code error;
    boost::json::value answer = boost::json::parse(text_of(response.body.reveal()), error);
    if (error) return Error{Code::Corrupt, fmt::format("the agent's answer is no JSON: {}", error.message()), {}};
    return answer;
}

}  // namespace sallyport::cli
