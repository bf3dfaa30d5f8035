#pragma once

#include <functional>
#include <string>

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"

namespace sallyport::node_api {

using Handler = std::function<api::Response(const api::Request&, const core::Caller&)>;

/// A route whose calls run on `lane`, which outlives it; 503 while the lane is full. The log lines of a call carry its
/// request id.
http::Route route_on(lanes::Lane& lane, std::string prefix, Handler handler);

}  // namespace sallyport::node_api
