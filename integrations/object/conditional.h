#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "integrations/object/head.h"
#include "integrations/object/key_source.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

/// The tags of an If-Match or If-None-Match header, without quotes, each once. A weak tag is taken as it stands and
/// matches nothing.
std::vector<std::string> entity_tags(std::string_view header);

/// True if `header` lets `etag` match: it is among the tags, or "*" is.
bool matches(std::string_view header, std::string_view etag);

/// Adds to If-Match and If-None-Match, for each tag, its MAC under the object key of every known secret: one of them is
/// what the store has at X-Object-Sysmeta-Crypto-Etag-Mac, to which the request's X-Backend-Etag-Is-At then points. The
/// tag itself stays, for objects that are not encrypted; "*" alone leaves the request as it is.
Result<void> mask_conditional_tags(RequestHead& request, const ObjectPath& path, const KeySource& secrets);

}  // namespace sallyport::object
