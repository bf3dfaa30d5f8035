#include "agent/objects/key_route.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/node_api/answer.h"
#include "integrations/object/granted_keys.h"
#include "integrations/object/text.h"
#include "keymanager/base/log.h"

namespace sallyport::objects {
namespace {

constexpr std::string_view Target = "/sallyport/v1/objects/keys";

bool may_have_keys(const core::Caller& caller, const std::string& project) {
    return caller.project.str() == project && std::ranges::find(caller.roles, KeyRole) != caller.roles.end();
}

/// The paths of a query: each percent-encoded, and itself the message of an HMAC.
Result<std::vector<std::string>> paths_in(std::string_view query) {
    std::vector<std::string> paths;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        constexpr std::string_view Name = "path=";
        if (!pair.starts_with(Name)) return Error{Code::InvalidInput, "the query has something else than paths", {}};
        std::string path = object::percent_decoded(pair.substr(Name.size()));
        if (path.size() < 2 || path.front() != '/') {
            return Error{Code::InvalidInput, "a path has to begin with / and to go on", {}};
        }
        paths.push_back(std::move(path));
    }
    if (paths.empty()) return Error{Code::InvalidInput, "no path is given", {}};
    return paths;
}

Result<SecureBytes> granted(const api::Request& request, const core::Caller& caller, const std::string& project,
                            RootSecretKeeper& keeper) {
    if (!may_have_keys(caller, project)) {
        return Error{
            Code::Forbidden, "keys of objects are for callers with the role object-keys in objects.project", {}};
    }
    const std::string_view target = request.target;
    const std::string_view path = target.substr(0, target.find('?'));
    if (request.method != "GET" || path != Target) {
        return Error{Code::NotFound, "there is no such route", {}};
    }
    const auto paths = TRY(paths_in(target.substr(std::min(target.size(), path.size() + 1))));
    const object::RootSecrets* secrets = TRY(keeper.get());
    return object::grant(*secrets, paths);
}

}  // namespace

api::Response KeyRoute::handle(const api::Request& request, const core::Caller& caller) {
    auto keys = granted(request, caller, project_, secrets_);
    if (!keys) return node_api::answer(keys.error());
    return {200, {{"Content-Type", "application/octet-stream"}, {"Cache-Control", "no-store"}}, *std::move(keys)};
}

http::Route KeyRoute::route(lanes::Lane& lane) {
    auto on_lane = [this, &lane](const api::Request& request,
                                 const core::Caller& caller) -> http::asio::awaitable<api::Response> {
        // The route keeps this closure alive for longer than any call.
        const auto call = [this, &request, &caller] {
            const LogScope scope(request.request_id);
            return handle(request, caller);
        };
        auto response = co_await lane.run_brief(call);
        if (!response) co_return node_api::answer(response.error());
        co_return std::move(*response);
    };
    return {std::string(Target), std::move(on_lane)};
}

}  // namespace sallyport::objects
