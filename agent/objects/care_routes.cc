#include "agent/objects/care_routes.h"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "agent/node_api/answer.h"
#include "agent/node_api/request_body.h"
#include "keymanager/base/log.h"

namespace sallyport::objects {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::string_view Root = "/sallyport/v1/objects";
constexpr milliseconds UsualStep{1000};
constexpr milliseconds LongestStep{60'000};

struct Call {
    ObjectDoor::CareVerb verb;
    CareScope scope;
    CarePlace from;
    milliseconds within = UsualStep;
};

Result<std::string> text_or_none(const json::object& body, std::string_view member) {
    auto text = TRY(node_api::optional_text(body, member));
    return std::move(text).value_or("");
}

Result<Call> read_call(const api::Request& request, const core::Caller& caller) {
    if (!node_api::is_admin(caller))
        return Error{Code::Forbidden, "stored objects are for callers with the role admin", {}};
    const std::string_view verb = std::string_view(request.target).substr(std::min(request.target.size(), Root.size()));
    if (request.method != "POST" || (verb != "/verify" && verb != "/rekey")) {
        return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
    }
    const json::object body = TRY(node_api::body_of(request));
    Call call;
    call.verb = verb == "/verify" ? ObjectDoor::CareVerb::Verify : ObjectDoor::CareVerb::Rekey;
    call.scope.account = TRY(node_api::required_text(body, "account"));
    call.scope.container = TRY(text_or_none(body, "container"));
    call.scope.prefix = TRY(text_or_none(body, "prefix"));
    call.scope.token = TRY(text_or_none(body, "token"));
    if (call.scope.container.empty() && !call.scope.prefix.empty()) {
        return Error{Code::InvalidInput, "a prefix goes with a container", {}};
    }
    if (const json::value* after = body.if_contains("after"); after != nullptr && after->is_object()) {
        call.from.container = TRY(text_or_none(after->get_object(), "container"));
        call.from.object = TRY(text_or_none(after->get_object(), "object"));
    }
    if (const json::value* within = body.if_contains("milliseconds"); within != nullptr) {
        if (!within->is_int64() || within->get_int64() < 1 || within->get_int64() > LongestStep.count()) {
            return Error{Code::InvalidInput, "milliseconds: expected an integer from 1 to 60000", {}};
        }
        call.within = milliseconds(within->get_int64());
    }
    return call;
}

json::object to_json(const CareStep& step) {
    json::array faults;
    for (const auto& [object, what] : step.faults) faults.push_back({{"object", object}, {"what", what}});
    json::object secrets;
    for (const auto& [id, count] : step.secrets) secrets[id] = count;
    json::object shown{{"objects", step.objects},     {"bytes", step.bytes},          {"changed", step.changed},
                       {"passed", step.passed},       {"clear", step.clear},          {"skipped", step.skipped},
                       {"faults", std::move(faults)}, {"secrets", std::move(secrets)}};
    if (step.next) shown["next"] = {{"container", step.next->container}, {"object", step.next->object}};
    return shown;
}

}  // namespace

http::Route CareRoutes::route() {
    return {std::string(Root),
            [this](const api::Request& request, const core::Caller& caller) { return handle(request, caller); }};
}

http::asio::awaitable<api::Response> CareRoutes::handle(const api::Request& request, const core::Caller& caller) {
    const Result<Call> call = read_call(request, caller);
    if (!call) co_return node_api::answer(call.error());
    const auto step = co_await door_.care(call->verb, call->scope, call->from, call->within);
    if (!step) co_return node_api::answer(step.error());
    co_return node_api::answer(to_json(*step));
}

}  // namespace sallyport::objects
