#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/peer.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/caller.h"

namespace sallyport::http {

namespace asio = boost::asio;

/// A route whose request and answer fit in memory: the caller is known, the body read. Runs on an event loop: whatever
/// blocks goes to a lane. References stay valid until the answer is returned. `HEAD` comes in as it is; the body of its
/// answer is left out by the server.
using Handler = std::function<asio::awaitable<api::Response>(const api::Request&, const core::Caller&)>;

/// Handlers by path prefix; the longest prefix wins ("/sallyport/v1/volumes" also takes "/sallyport/v1/volumes/x", not
/// "/sallyport/v1/volumesx").
struct Route {
    std::string prefix;
    Handler handler;
};

/// The head of an answer. Content-Length, Transfer-Encoding, Date and Connection are the server's: headers of those
/// names are ignored.
struct ResponseHead {
    int status = 200;
    std::vector<api::Header> headers;
};

/// One request and its answer as streams. Made by the server, used by one coroutine on the connection's event loop.
///
/// The answer is either one respond(), or write_head(), any number of write_body(), finish(). An exchange that returns
/// to the server without a finished answer closes the connection (if nothing was sent yet: after a 500). Every error of
/// a read or write means that the connection is lost or out of time; give up and return.
class Exchange {
public:
    virtual ~Exchange() = default;

    /// The request's head. Its body is empty: it is still on its way. May be moved from once it is not needed here.
    virtual api::Request& request() = 0;
    virtual const Peer& peer() const = 0;
    virtual bool has_body() const = 0;
    /// Content-Length; absent: chunked, or no body.
    virtual std::optional<std::uint64_t> body_length() const = 0;

    /// The next bytes of the body, as many as there are, at most `into.size()`; 0 at the end. The first call answers
    /// "Expect: 100-continue". Error: `InvalidInput` for broken framing, `TooLarge` over the server's hard limit, `Io`
    /// if the client has gone, `Unavailable` if it is too slow.
    virtual asio::awaitable<Result<std::size_t>> read_body(std::span<std::byte> into) = 0;
    /// The whole body in locked memory; of a longer one the first `limit` bytes, as Barbican reads (the rest is read
    /// and dropped up to the server's hard limit). Error: as read_body; `Overloaded` if the arena is full.
    virtual asio::awaitable<Result<SecureBytes>> read_whole_body(std::size_t limit) = 0;

    /// Sends a whole answer. `body` need only live until this returns; it is never copied.
    virtual asio::awaitable<Result<void>> respond(const ResponseHead& head, std::span<const std::byte> body) = 0;

    /// Begins a streamed answer; without `length` it is chunked (to an HTTP/1.0 client: ended by closing).
    virtual asio::awaitable<Result<void>> write_head(const ResponseHead& head, std::optional<std::uint64_t> length) = 0;
    /// Returns when the bytes are with the kernel: the back-pressure. Dropped for HEAD and for 204 and 304.
    virtual asio::awaitable<Result<void>> write_body(std::span<const std::byte> bytes) = 0;
    /// Ends a streamed answer. Error: `Internal` if fewer bytes were written than promised (the connection is closed).
    virtual asio::awaitable<Result<void>> finish() = 0;

    /// The connection ends with this answer, whatever the client asked for. Before the answer begins.
    virtual void close_after_answer() noexcept = 0;
    /// True if the client has gone: nobody waits for this answer. Never waits.
    virtual bool client_is_gone() noexcept = 0;
};

/// Answers one request; the whole of a door (the REST API, the object filter). Must not throw.
using StreamHandler = std::function<asio::awaitable<void>(Exchange&)>;

}  // namespace sallyport::http
