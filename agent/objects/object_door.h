#pragma once

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/config/config.h"
#include "agent/http/route.h"
#include "agent/http/server.h"
#include "agent/lanes/lane.h"
#include "agent/objects/care.h"
#include "agent/objects/copy_rules.h"
#include "agent/objects/leg.h"
#include "agent/objects/store.h"
#include "integrations/object/root_secret.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::objects {

/// Where root secrets come from. Blocks; called on the door's lane, until it has succeeded once.
using RootSecretSource = std::function<Result<object::RootSecrets>()>;

/// The object door: an HTTP reverse proxy that encrypts what goes into an object store and decrypts what comes out, as
/// OpenStack Swift does.
///
/// A request's bytes go through in pieces of 128 KiB; a client that is slow to send or to read, or a store that is
/// slow, holds no thread, and a request holds one piece in memory. COPY becomes a GET and a PUT. As long as the root
/// secrets cannot be had every request gets 503; nothing is ever stored in clear instead, and nothing sealed is ever
/// sent as if it were clear.
///
/// The door does not ask who is calling. A Swift behind it does; without one it is for the node's own users behind a
/// loopback address, and check_address refuses any other. `lane` outlives the door, and the door the server that calls
/// it.
class ObjectDoor {
public:
    ObjectDoor(std::unique_ptr<Store> store, RootSecretSource source, lanes::Lane& lane, const LegOptions& options = {},
               const Clock& clock = system_clock());
    ~ObjectDoor();

    /// Fetches the root secrets now rather than with the first request. Blocks.
    Result<void> load_secrets();

    /// What http::Server is given; refers to this door.
    http::StreamHandler handler();

    enum class CareVerb { Verify, Rekey };
    /// A step of ObjectCare over what this door stores, with its root secrets. Error: as ObjectCare, and the source's.
    asio::awaitable<Result<CareStep>> care(CareVerb verb, const CareScope& scope, const CarePlace& from,
                                           std::chrono::milliseconds within);

private:
    asio::awaitable<void> handle(http::Exchange& exchange);
    asio::awaitable<Result<void>> run(http::Exchange& exchange, Leg& leg, std::optional<ListingFormat> listing);
    asio::awaitable<Result<void>> run_copy(http::Exchange& exchange, const object::RootSecrets& secrets, Copy& copy);
    asio::awaitable<Result<void>> run_from(http::Exchange& exchange, const object::RootSecrets& secrets, Copy& copy,
                                           Leg& from);
    asio::awaitable<void> pass_through(http::Exchange& exchange, object::RequestHead head);
    Result<const object::RootSecrets*> secrets();
    asio::awaitable<Result<const object::RootSecrets*>> known_secrets();

    std::unique_ptr<Store> store_;
    RootSecretSource source_;
    lanes::Lane& lane_;
    const LegOptions options_;
    const Clock& clock_;
    std::mutex loading_;
    std::unique_ptr<const object::RootSecrets> owned_secrets_;   ///< set once, under loading_
    std::atomic<const object::RootSecrets*> secrets_ = nullptr;  ///< owned_secrets_, once it is there
};

/// `limits` as the server in front of the door needs them: headers of 64 KiB (90 pieces of metadata), bodies of 5 GiB,
/// and 400 for a head that is too long, as from Swift's own server.
http::ServerLimits door_limits(http::ServerLimits limits);

/// Error: `Refused` unless the door listens on a loopback address.
Result<void> check_address(const config::Objects& config);

/// The door that the configuration describes. Opens the upstream; the first fetch of root secrets is tried here.
/// Error: `Refused` for an address that is not loopback; as the upstream's and the source's, but not if those are only
/// `Unavailable` or `Overloaded`: then it opens, and answers 503 until they are there.
Result<std::unique_ptr<ObjectDoor>> make_object_door(const config::Objects& config, RootSecretSource source,
                                                     lanes::Lane& lane);

}  // namespace sallyport::objects
