#pragma once

#include <boost/json/object.hpp>

#include "integrations/volume/reencrypt.h"
#include "integrations/volume/rotate.h"
#include "keymanager/model/volume.h"

/// Headers and keys of volumes as JSON: what the agent answers and what `sallyport volume` prints are one and the same.
namespace sallyport::node_api {

/// {"uuid": …, "version": 3, "reason": "rotate", "created": …, "device": …, "host": …, "size": …, "digest": …}
boost::json::object to_json(const model::HeaderVersion& version);
/// {"uuid": …, "key_slots": [1], "steps": ["keep_copy", …]}
boost::json::object to_json(const volume::RotateReport& report);
/// {"uuid": …, "finished": true, "done": …, "total": …, "continued": false, "mapping": "crypt-…" or null}
boost::json::object to_json(const volume::ReencryptReport& report);

}  // namespace sallyport::node_api
