#include "agent/node_api/lane_route.h"

#include <utility>

#include "agent/node_api/answer.h"
#include "keymanager/base/log.h"

namespace sallyport::node_api {

http::Route route_on(lanes::Lane& lane, std::string prefix, Handler handler) {
    auto on_lane = [&lane, handler = std::move(handler)](
                       const api::Request& request,
                       const core::Caller& caller) -> http::asio::awaitable<api::Response> {
        // The route keeps this closure alive for longer than any call.
        const auto call = [&handler, &request, &caller] {
            const LogScope scope(request.request_id);
            return handler(request, caller);
        };
        auto response = co_await lane.run(call);
        if (!response) co_return answer(response.error());
        co_return std::move(*response);
    };
    return {std::move(prefix), std::move(on_lane)};
}

}  // namespace sallyport::node_api
