#include "agent/images/image_routes.h"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"

namespace sallyport::images {
namespace {

namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/images";

/// Empty if it is absent: what is missing is the deletion policy's to judge.
Result<std::string> text_or_empty(const json::object& body, std::string_view member) {
    const json::value* value = body.if_contains(member);
    if (value == nullptr || value->is_null()) return std::string();
    if (value->is_string()) return std::string(value->get_string());
    return Error{Code::InvalidInput, "'" + std::string(member) + "' must be a text", {}};
}

json::object to_json(const Finding& finding) {
    return {{"kind", finding.kind == Finding::Kind::Orphan ? "orphan" : "dangling"},
            {"image", finding.image.image},
            {"project", finding.image.project.str()},
            {"key", finding.image.secret.str()},
            {"what", finding.what},
            {"action", finding.action}};
}

Result<json::object> on_delete(ImageCare& care, const json::object& body) {
    model::ImageKey image;
    image.image = TRY(node_api::required_text(body, "image"));
    image.project = ProjectId(TRY(text_or_empty(body, "project")));
    image.secret = SecretId(TRY(text_or_empty(body, "key")));
    image.policy = TRY(text_or_empty(body, "policy"));
    const KeyFate fate = TRY(care.on_delete(image));
    return json::object{{"outcome", text_of(fate.what)}, {"rule", fate.rule}, {"reason", fate.why}};
}

Result<json::object> look(ImageCare& care, const std::function<bool()>& may_go_on) {
    const LookSummary summary = TRY(care.look(may_go_on));
    return json::object{{"images", summary.images}, {"missing", summary.missing}, {"deleted", summary.deleted}};
}

Result<json::object> reconcile(ImageCare& care, const json::object& body, const std::function<bool()>& may_go_on) {
    const json::value* apply = body.if_contains("apply");
    if (apply != nullptr && !apply->is_bool()) return Error{Code::InvalidInput, "'apply' must be true or false", {}};
    const Reconciliation found = TRY(care.reconcile(apply != nullptr && apply->get_bool(), may_go_on));
    json::array findings;
    for (const Finding& finding : found.findings) findings.push_back(to_json(finding));
    return json::object{{"images", found.images}, {"findings", std::move(findings)}};
}

Result<json::object> run(ImageCare& care, const api::Request& request, const std::function<bool()>& may_go_on) {
    const std::string_view verb = std::string_view(request.target).substr(std::min(request.target.size(), Root.size()));
    const bool is_known = verb == "/on-delete" || verb == "/look" || verb == "/reconcile";
    if (request.method != "POST" || !is_known) {
        return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
    }
    const json::object body = TRY(node_api::body_of(request));
    if (verb == "/on-delete") return on_delete(care, body);
    if (verb == "/look") return look(care, may_go_on);
    return reconcile(care, body, may_go_on);
}

}  // namespace

api::Response ImageRoutes::handle(const api::Request& request, const core::Caller& caller) {
    if (!node_api::is_admin(caller)) {
        return node_api::answer(Error{Code::Forbidden, "the keys of images are for callers with the role admin", {}});
    }
    return node_api::answer(run(care_, request, may_go_on_));
}

http::Route ImageRoutes::route(lanes::Lane& lane) {
    return node_api::route_on(lane, std::string(Root), [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    });
}

}  // namespace sallyport::images
