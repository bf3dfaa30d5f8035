#pragma once

#include <boost/json/object.hpp>

#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"

namespace sallyport::node_api {

/// The answer to a call of the node API: 200 with the object, or the error with Barbican's members (code, title,
/// description). Callers are the node's administrators, so the description is the whole message, also of a failure that
/// Barbican's API would keep to itself; the detail goes to the log.
api::Response answer(const Result<boost::json::object>& result);

}  // namespace sallyport::node_api
