#pragma once

#include <functional>

#include "agent/http/route.h"
#include "agent/images/image_care.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"

namespace sallyport::images {

/// The keys of images, for local administrators. A JSON object in and out; no secret bytes pass.
///
///   POST /sallyport/v1/images/on-delete   {image, project, key, policy}: {outcome: "deleted"|"gone"|"kept"|"waiting",
///                                         rule, reason}. An answer means that it is remembered for as long as needed
///   POST /sallyport/v1/images/look        {}: {images, missing, deleted}
///   POST /sallyport/v1/images/reconcile   {apply}: {images, findings: [{kind: "orphan"|"dangling", image, project,
///                                         key, what, action}]}
///
/// Only callers with the role admin are heard. Routes of UNIX sockets alone.
class ImageRoutes {
public:
    /// `care` must outlive this. `may_go_on` ends long walks when the agent stops.
    ImageRoutes(ImageCare& care, std::function<bool()> may_go_on) : care_(care), may_go_on_(std::move(may_go_on)) {}

    /// Never throws and always answers. Blocks on Glance: use it from a lane of its own.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    ImageCare& care_;
    const std::function<bool()> may_go_on_;
};

}  // namespace sallyport::images
