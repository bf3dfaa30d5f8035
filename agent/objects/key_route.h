#pragma once

#include <string>
#include <string_view>

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "agent/objects/root_secret_keeper.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"

namespace sallyport::objects {

/// What a caller of KeyRoute must be in objects.project. No rule of the policy knows this role, so it opens nothing
/// else: the root secrets themselves stay out of reach.
inline constexpr std::string_view KeyRole = "object-keys";

/// Keys of objects and containers for the filter in Swift's own proxy (integrations/object/swift): the root secrets
/// stay here, in locked memory; what goes out is derived from them.
///
///   GET /sallyport/v1/objects/keys?path=/a/c&path=/a/c/o   (percent-encoded paths, at least one): object::grant()'s
///   bytes, for every secret and every path
///
/// One question serves one request of Swift's, whatever secrets its object turns out to be under. A route of UNIX
/// sockets alone, for callers with the role KeyRole in objects.project. The audit log has the fetch of the root
/// secrets, and refusals; not every object's key.
class KeyRoute {
public:
    /// `project`: objects.project. All outlive this.
    KeyRoute(RootSecretKeeper& secrets, const std::string& project) : secrets_(secrets), project_(project) {}

    /// Never throws and always answers. Blocks until the root secrets have been fetched once, then hardly.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle(), on the event loop while it is quick and else on the lane. This and the lane
    /// must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    RootSecretKeeper& secrets_;
    const std::string& project_;
};

}  // namespace sallyport::objects
