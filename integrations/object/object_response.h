#pragma once

#include <string>
#include <variant>
#include <vector>

#include "integrations/object/byte_range.h"
#include "integrations/object/head.h"
#include "integrations/object/object_record.h"

namespace sallyport::object {

/// A response whose body is put together from text and from pieces of the object's data.
struct ObjectResponse {
    ResponseHead head;
    std::vector<std::variant<std::string, ByteRange>> body;
};

/// The response to a GET or HEAD of a stored object, as Swift's object server makes it: conditions first (against the
/// ETag that X-Backend-Etag-Is-At points to), then ranges. `boundary` separates the parts of a multipart body.
ObjectResponse respond_with(const RequestHead& request, const ObjectRecord& record, const std::string& boundary);

}  // namespace sallyport::object
