#pragma once

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "agent/config/config.h"
#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "integrations/object/filter.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/upstream.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::objects {

/// Where root secrets come from. Blocks; called on the door's lane, until it has succeeded once.
using RootSecretSource = std::function<Result<object::RootSecrets>()>;

/// The object door: an HTTP reverse proxy that encrypts what goes into an object store and decrypts what comes out, as
/// OpenStack Swift does.
///
/// A request's bytes go through in pieces of 256 KiB: read on the edge, encrypted and written to the store on the
/// door's lane, so a client that is slow to send or to read holds up nobody and a request holds one piece in memory. As
/// long as the root secrets cannot be had every request gets 503; nothing is ever stored in clear instead, and nothing
/// sealed is ever sent as if it were clear.
///
/// The door does not ask who is calling: it is for the node's own users behind a loopback address, and check_address
/// refuses any other. `lane` and `upstream` outlive the requests; the door must outlive the server that calls it.
class ObjectDoor {
public:
    ObjectDoor(std::unique_ptr<object::Upstream> upstream, RootSecretSource source, lanes::Lane& lane,
               const Clock& clock = system_clock());
    ~ObjectDoor();

    /// Fetches the root secrets now rather than with the first request. Blocks.
    Result<void> load_secrets();

    /// What http::Server is given; refers to this door.
    http::StreamHandler handler();

private:
    struct Request;
    boost::asio::awaitable<void> handle(http::Exchange& exchange);
    Result<const object::RootSecrets*> secrets();
    boost::asio::awaitable<void> refuse(http::Exchange& exchange, object::Answer answer);
    boost::asio::awaitable<Result<void>> take_body(http::Exchange& exchange, Request& request);
    boost::asio::awaitable<void> give_answer(http::Exchange& exchange, Request& request);
    boost::asio::awaitable<void> drop(std::unique_ptr<Request> request);

    std::unique_ptr<object::Upstream> upstream_;
    RootSecretSource source_;
    lanes::Lane& lane_;
    const Clock& clock_;
    std::mutex loading_;
    std::unique_ptr<const object::RootSecrets> owned_secrets_;   ///< set once, under loading_
    std::atomic<const object::RootSecrets*> secrets_ = nullptr;  ///< owned_secrets_, once it is there
};

/// What the server in front of the door has to allow: headers of 64 KiB (90 pieces of metadata), bodies of 5 GiB.
inline constexpr std::size_t DoorHeaderBytes = 64 * 1024;
inline constexpr std::uint64_t DoorBodyBytes = std::uint64_t{5} * 1024 * 1024 * 1024 + 2;

/// Error: `Refused` unless the door listens on a loopback address.
Result<void> check_address(const config::Objects& config);

/// The door that the configuration describes. Opens the upstream; the first fetch of root secrets is tried here.
/// Error: `Refused` for an address that is not loopback; as the upstream's and the source's, but not if those are only
/// `Unavailable` or `Overloaded`: then it opens, and answers 503 until they are there.
Result<std::unique_ptr<ObjectDoor>> make_object_door(const config::Objects& config, RootSecretSource source,
                                                     lanes::Lane& lane);

}  // namespace sallyport::objects
