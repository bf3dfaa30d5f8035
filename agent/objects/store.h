#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <span>

#include "agent/http/stream_client.h"
#include "agent/lanes/lane.h"
#include "integrations/object/head.h"
#include "integrations/object/target.h"
#include "integrations/object/upstream.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::objects {

namespace asio = boost::asio;

/// One request to a store behind the door, and its answer, both as streams:
///
///     write … → finish → read … → close
///
/// As object::StoreExchange, but waiting holds no thread. Belongs to one coroutine. One that goes before finish() has
/// given a success leaves nothing in the store. Errors: `Io`, `Corrupt`, `Unavailable`.
class StoreCall {
public:
    virtual ~StoreCall() = default;
    virtual asio::awaitable<Result<void>> write(std::span<const std::byte> body) = 0;
    /// The store has answered before the body was over: it wants no more of it, and finish() gives its answer.
    virtual bool is_answered() const = 0;
    virtual asio::awaitable<Result<object::ResponseHead>> finish(const object::Headers& footers) = 0;
    virtual asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;
    /// Before it goes: what blocks is done elsewhere.
    virtual asio::awaitable<void> close() = 0;
};

/// What the objects lie in. Thread-safe; speaks as object::Upstream does.
class Store {
public:
    virtual ~Store() = default;
    /// `footer_room`: what finish() will hand over of headers is not larger than that, written as JSON.
    virtual asio::awaitable<Result<std::unique_ptr<StoreCall>>> start(const object::RequestHead& request, bool has_body,
                                                                      std::size_t footer_room) = 0;
    /// As object::Upstream::replace_headers. Error: `Refused` from a store whose objects are rewritten instead.
    virtual asio::awaitable<Result<bool>> replace_headers(const object::ObjectPath& path, const object::Headers& seen,
                                                          const object::Headers& replacement) = 0;
    virtual bool can_replace_headers() const = 0;
    /// It asks who is calling, and answers 401 and 403 by itself.
    virtual bool authenticates() const = 0;
    /// What is no path of the object API (/info, a token's issue) goes to it as it is.
    virtual bool takes_other_paths() const = 0;
};

/// A store that blocks, on a lane. `lane` outlives it.
std::unique_ptr<Store> make_lane_store(std::unique_ptr<object::Upstream> upstream, lanes::Lane& lane);

/// A Swift proxy whose pipeline has our shim (integrations/object/shim) right of gatekeeper. `secret` tells the shim
/// that this is the door; it opens no data. Error: `InvalidInput` for a secret that is no header's value.
Result<std::unique_ptr<Store>> make_swift_store(http::Endpoint endpoint, const SecureBytes& secret,
                                                const http::StreamClientConfig& config = {});

}  // namespace sallyport::objects
