#include "agent/node_api/request_body.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

#include "keymanager/base/bytes.h"

namespace sallyport::node_api {

namespace json = boost::json;

Result<json::object> body_of(const api::Request& request) {
    json::error_code failed;
    json::value body = json::parse(text_of(request.body.reveal()), failed);
    if (!failed && body.is_object()) return std::move(body.get_object());
    return Error{Code::InvalidInput, "the request's body is no JSON object", failed.message()};
}

Result<std::optional<std::string>> optional_text(const json::object& body, std::string_view member) {
    const json::value* found = body.if_contains(member);
    if (found == nullptr || found->is_null()) return std::optional<std::string>();
    if (!found->is_string() || found->get_string().empty()) {
        return Error{Code::InvalidInput, "'" + std::string(member) + "' must be a text that is not empty", {}};
    }
    return std::optional(std::string(found->get_string()));
}

Result<std::string> required_text(const json::object& body, std::string_view member) {
    auto found = TRY(optional_text(body, member));
    if (!found) return Error{Code::InvalidInput, "'" + std::string(member) + "' is missing", {}};
    return *std::move(found);
}

bool is_admin(const core::Caller& caller) { return std::ranges::find(caller.roles, "admin") != caller.roles.end(); }

}  // namespace sallyport::node_api
