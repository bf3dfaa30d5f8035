#pragma once

#include "agent/http/route.h"
#include "agent/objects/object_door.h"

namespace sallyport::objects {

/// POST /sallyport/v1/objects/verify and /rekey: a step of a walk over stored objects (ObjectCare), for
/// callers with the role admin. Body: `account`, and optionally `container`, `prefix`, `token` (for a store that asks
/// who is calling), `after` (`container` and `object`: where the step before has ended), `milliseconds`. The answer has
/// what the step came to, and `next` if the walk is not over.
///
/// Runs on the event loop, as the door does. `door` outlives the route.
class CareRoutes {
public:
    explicit CareRoutes(ObjectDoor& door) : door_(door) {}
    http::Route route();

private:
    http::asio::awaitable<api::Response> handle(const api::Request& request, const core::Caller& caller);

    ObjectDoor& door_;
};

}  // namespace sallyport::objects
