#include "agent/node_api/keks.h"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"
#include "keymanager/api/target.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr std::string_view Prefix = "/sallyport/v1/keks";
constexpr int DefaultPage = 200;
/// What a transaction of a few milliseconds holds, so that nobody's store waits longer for it.
constexpr int LargestPage = 1000;

int page_size(std::int64_t wanted) { return static_cast<int>(std::clamp<std::int64_t>(wanted, 1, LargestPage)); }

std::string text_or_empty(const json::object& body, std::string_view member) {
    const json::value* value = body.if_contains(member);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int limit_at(const json::object& body) {
    const json::value* value = body.if_contains("limit");
    return value != nullptr && value->is_int64() ? page_size(value->get_int64()) : DefaultPage;
}

json::value or_null(const std::optional<std::string>& text) { return text ? json::value(*text) : json::value(nullptr); }

json::object to_json(const core::KekCare::Rewrapped& done) {
    return {{"examined", done.examined},
            {"changed", done.changed},
            {"unreadable", done.unreadable},
            {"next", or_null(done.next)}};
}

struct Verbs {
    core::KekCare& care;
    const store::SecretStore& store;

    Result<json::object> run(const api::Request& request) {
        const api::RequestTarget target(request.target);
        const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
        const std::string_view verb = path.substr(std::min(path.size(), Prefix.size()));
        if (verb.empty() && request.method == "GET") return count(target);
        if (verb == "/rewrap" && request.method == "POST") return rewrap(TRY(body_of(request)));
        if (verb == "/rotate" && request.method == "POST") return rotate(TRY(body_of(request)));
        return Error{Code::NotFound, "there is no " + request.method + " " + std::string(path), {}};
    }

    Result<json::object> count(const api::RequestTarget& target) {
        const std::string* limit = target.parameter("limit");
        const std::string* after = target.parameter("after");
        const int most = limit == nullptr ? DefaultPage : page_size(std::atoi(limit->c_str()));
        const core::KekCare::Census census = TRY(care.count(KekId(after == nullptr ? "" : *after), most));
        json::array keys;
        const std::vector<store::MasterKey> known = store.master_keys();
        for (std::size_t i = 0; i < known.size(); ++i) {
            keys.push_back({{"source", known[i].source},
                            {"fingerprint", known[i].fingerprint},
                            {"writes", i == 0},
                            {"project_keks", census.openers[i]}});
        }
        json::array unreadable;
        for (const KekId& id : census.unreadable_ids) unreadable.emplace_back(id.str());
        const auto canary = TRY(care.canary_key());
        return json::object{{"master_keys", std::move(keys)},
                            {"canary", canary ? json::value(*canary) : json::value(nullptr)},
                            {"total", census.total},
                            {"retired", census.retired},
                            {"unreadable", census.unreadable},
                            {"unreadable_ids", std::move(unreadable)},
                            {"next", census.next ? json::value(census.next->str()) : json::value(nullptr)}};
    }

    Result<json::object> rewrap(const json::object& body) {
        const std::string what = text_or_empty(body, "what");
        const std::string after = text_or_empty(body, "after");
        if (what == "keks") return to_json(TRY(care.rewrap_keks(KekId(after), limit_at(body))));
        if (what == "payloads") return to_json(TRY(care.rewrap_payloads(db::PayloadId(after), limit_at(body))));
        if (what == "canary") return json::object{{"changed", TRY(care.rewrap_canary()) ? 1 : 0}};
        return Error{Code::InvalidInput, "'what' must be keks, payloads or canary", {}};
    }

    Result<json::object> rotate(const json::object& body) {
        if (const std::string project = text_or_empty(body, "project"); !project.empty()) {
            return json::object{{"kek", TRY(care.rotate(ProjectId(project))).str()}};
        }
        const int limit = limit_at(body);
        const auto projects = TRY(care.projects(ProjectId(text_or_empty(body, "after")), limit));
        for (const ProjectId& project : projects) TRY(care.rotate(project));
        const bool is_last = projects.size() < static_cast<std::size_t>(limit);
        return json::object{{"changed", projects.size()},
                            {"next", is_last ? json::value(nullptr) : json::value(projects.back().str())}};
    }
};

}  // namespace

api::Response KekRoutes::handle(const api::Request& request, const core::Caller& caller) {
    if (!is_admin(caller)) {
        return answer(Error{Code::Forbidden, "key-encryption keys are for callers with the role admin", {}});
    }
    return answer(Verbs{care_, store_}.run(request));
}

http::Route KekRoutes::route(lanes::Lane& lane) {
    return route_on(lane, std::string(Prefix), [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    });
}

}  // namespace sallyport::node_api
