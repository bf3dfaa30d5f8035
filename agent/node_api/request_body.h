#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

/// What the routes of the node API ask of a request. Their bodies hold ids, names, paths and numbers, never a secret,
/// so they are read into ordinary memory.
namespace sallyport::node_api {

/// Error: `InvalidInput`.
Result<boost::json::object> body_of(const api::Request& request);

/// A text that is not empty; nothing if the member is absent or null. Error: `InvalidInput`, naming the member.
Result<std::optional<std::string>> optional_text(const boost::json::object& body, std::string_view member);
/// The same, but it has to be there.
Result<std::string> required_text(const boost::json::object& body, std::string_view member);

bool is_admin(const core::Caller& caller);

}  // namespace sallyport::node_api
