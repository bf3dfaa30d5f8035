#pragma once

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/life_cycle.h"

namespace sallyport::node_api {

/// What ends and what comes back, for local administrators. A JSON object in and out, no secret bytes pass.
///
///   POST /sallyport/v1/life-cycle/undelete        {secret}: {secret, name, project}
///   POST /sallyport/v1/life-cycle/count-project   {project}: {secrets, containers, orders, keks, consumers}
///   POST /sallyport/v1/life-cycle/remove-project  {project}: the same, as far as this step removed them, and `done`;
///                                                 to be called until that is true
///
/// The policy decides who is heard ("secret:undelete", "project:remove"). Routes of UNIX sockets alone.
class LifeCycleRoutes {
public:
    /// It must outlive this.
    explicit LifeCycleRoutes(core::LifeCycle& life_cycle) : life_cycle_(life_cycle) {}

    /// Never throws and always answers. Blocks: use it from the lane `keys`.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    core::LifeCycle& life_cycle_;
};

}  // namespace sallyport::node_api
