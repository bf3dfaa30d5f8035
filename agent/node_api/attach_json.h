#pragma once

#include <boost/json/object.hpp>

#include "integrations/volume/attacher.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

/// Attaching, as JSON: what the command line prints and what it sends to the agent. Paths as they are, unchecked.
namespace sallyport::node_api {

/// {"device", "name", "multipath_id", "link", "read_only", "allow_discards", "header", "plain": {...}, "first_use"};
/// how a first use formats is said by the members of FormatOptions beside them (volume_json.h).
boost::json::object to_json(const volume::AttachRequest& request);

/// {"hash", "cipher", "key_size", "offset"}
boost::json::object to_json(const volume::PlainOptions& plain);
/// Error: `InvalidInput`, naming the member.
Result<volume::PlainOptions> plain_from(const boost::json::value& value);

/// Error: `InvalidInput`, naming the member.
Result<volume::AttachRequest> attach_request_from(const boost::json::object& body,
                                                  volume::UnlockProfile default_profile);

/// The members of Mapping, and "link" if it has one.
boost::json::object to_json(const volume::Mapping& mapping, const std::string& link);
/// The same with "adopted" and "formatted".
boost::json::object to_json(const volume::Attachment& attachment);

}  // namespace sallyport::node_api
