#include "agent/node_api/life_cycle.h"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/life-cycle";

Result<ProjectId> project_of(const api::Request& request) {
    return ProjectId(TRY(required_text(TRY(body_of(request)), "project")));
}

json::object to_json(const model::ProjectHoldings& holdings) {
    return {{"secrets", holdings.secrets},
            {"containers", holdings.containers},
            {"orders", holdings.orders},
            {"keks", holdings.keks},
            {"consumers", holdings.consumers}};
}

Result<json::object> undelete(core::LifeCycle& life_cycle, const api::Request& request, const core::Caller& caller) {
    const SecretId id(TRY(required_text(TRY(body_of(request)), "secret")));
    const model::Secret secret = TRY(life_cycle.undelete(caller, id));
    json::object answer{{"secret", id.str()}, {"name", nullptr}, {"project", secret.project.str()}};
    if (secret.attributes.name) answer["name"] = *secret.attributes.name;
    return answer;
}

Result<json::object> run(core::LifeCycle& life_cycle, const api::Request& request, const core::Caller& caller) {
    std::string_view verb = request.target;
    verb.remove_prefix(std::min(verb.size(), Root.size()));
    if (request.method != "POST")
        return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
    if (verb == "/undelete") return undelete(life_cycle, request, caller);
    if (verb == "/count-project") return to_json(TRY(life_cycle.holdings(caller, TRY(project_of(request)))));
    if (verb == "/remove-project") {
        const auto step = TRY(life_cycle.remove_project(caller, TRY(project_of(request))));
        json::object answer = to_json(step.removed);
        answer["done"] = step.done;
        return answer;
    }
    return Error{Code::NotFound, "there is no " + request.target, {}};
}

}  // namespace

api::Response LifeCycleRoutes::handle(const api::Request& request, const core::Caller& caller) {
    return answer(run(life_cycle_, request, caller));
}

http::Route LifeCycleRoutes::route(lanes::Lane& lane) {
    return route_on(lane, std::string(Root), [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    });
}

}  // namespace sallyport::node_api
