#pragma once

#include <optional>
#include <variant>

#include "integrations/object/head.h"
#include "integrations/object/target.h"

namespace sallyport::objects {

/// COPY, and PUT with X-Copy-From, as Swift's copy middleware makes a GET and a PUT of them (Object Storage API,
/// "Copy object"): the source is decrypted and encrypted anew under its new path. Pure functions.

struct Copy {
    object::RequestHead get;  ///< of the source; conditional headers and Range are the client's
    object::RequestHead put;  ///< of the destination, before the source's headers are in
    object::ObjectPath source;
    object::ObjectPath destination;
    bool fresh_metadata = false;  ///< X-Fresh-Metadata: the source's metadata stay behind
};

/// Nothing if `request` is no copy. Answer: 412 for a source or destination that is none, 400 for one with a body.
std::variant<std::monostate, Copy, object::Answer> copy_of(const object::RequestHead& request,
                                                           const object::Target& target);

/// Takes over from the source's answer what the client did not set itself.
void add_source_headers(Copy& copy, const object::ResponseHead& source);

/// Says in the answer to the PUT where it came from.
void add_copied_from(const Copy& copy, const object::ResponseHead& source, object::ResponseHead& answer);

}  // namespace sallyport::objects
