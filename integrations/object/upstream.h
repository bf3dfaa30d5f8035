#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "integrations/object/head.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

/// One request to a store, and its response. Calls block; one thread at a time.
///
///     write … → finish → read …
///
/// An exchange that goes before finish() has returned a success leaves nothing in the store.
class StoreExchange {
public:
    virtual ~StoreExchange() = default;
    /// The next bytes of the request's body.
    virtual Result<void> write(std::span<const std::byte> body) = 0;
    /// Ends the request. `footers` are stored together with the object, over its headers of the same name: what the
    /// filter knows only when the body has gone by. What is durable when this returns a success stays.
    virtual Result<ResponseHead> finish(const Headers& footers) = 0;
    /// The next bytes of the response's body; 0 at its end.
    virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
};

/// A store of objects behind the filter. It speaks as Swift's proxy server does to a filter: system metadata under
/// their own names in both directions, footers, X-Backend-Etag-Is-At, ranges, listings in JSON.
///
/// Thread-safe; every request has its own exchange. Expected refusals (404, 412, 416, 422) are responses; an Error
/// means that the store itself failed: `Io`, `Corrupt`, `Unavailable`.
class Upstream {
public:
    virtual ~Upstream() = default;
    virtual Result<std::unique_ptr<StoreExchange>> start(const RequestHead& request) = 0;
    /// Replaces headers of a stored object and leaves its data alone, if those in `seen` are still what they were; all
    /// or nothing, durable. False: the object has changed or gone meanwhile. Error: `Refused` if this store cannot.
    virtual Result<bool> replace_headers(const ObjectPath& path, const Headers& seen, const Headers& replacement) = 0;
};

}  // namespace sallyport::object
