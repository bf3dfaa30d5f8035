#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "agent/http/client.h"
#include "agent/http/head.h"
#include "agent/http/route.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

struct StreamClientState;

struct StreamClientConfig {
    std::size_t idle_connections = 64;  ///< kept open for later calls
    std::chrono::milliseconds connect_time{5'000};
    std::chrono::milliseconds io_time{60'000};  ///< for each read and write: a server that stalls for longer is lost
};

/// One request to a server, and its answer, both as streams:
///
///     write … → finish → read …
///
/// Belongs to the coroutine that began it. One that goes before its end closes its connection, so a server that was
/// promised more sees a body that breaks off. Errors: `Unavailable` when the connection is lost or its server too slow,
/// `Corrupt` for an answer that is no HTTP.
class StreamCall {
public:
    virtual ~StreamCall() = default;

    /// The next bytes of the request's body. After an answer that came early they are dropped: finish() gives it.
    virtual asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) = 0;
    /// An answer has come before the body was over: the server wants no more of it.
    virtual bool is_answered() const = 0;
    /// Ends the body; the head of the answer. Its Content-Length is among the headers.
    virtual asio::awaitable<Result<ResponseHead>> finish() = 0;
    /// Content-Length of the answer; absent: it is not announced.
    virtual std::optional<std::uint64_t> length() const = 0;
    /// The next bytes of the answer's body; 0 at its end.
    virtual asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) = 0;
};

/// An HTTP/1.1 client of one endpoint for bodies of any size, with keep-alive. Bodies stay in the caller's memory.
/// Thread-safe: each call runs on the executor of its coroutine.
class StreamClient {
public:
    explicit StreamClient(Endpoint endpoint, const StreamClientConfig& config = {});
    ~StreamClient();

    /// Sends the head of `request` (method, target, headers; Host is added). `body`: how the body is marked; none:
    /// there is none. With `ask_first` the server is asked whether it takes the body (Expect: 100-continue; RFC 9110,
    /// section 10.1.1), and a refusal costs no transfer. A kept connection that the server had closed is replaced while
    /// nothing of the body has gone. Error: `Unavailable`.
    asio::awaitable<Result<std::unique_ptr<StreamCall>>> start(const api::Request& request,
                                                               const std::optional<BodyMark>& body, bool ask_first);

    const Endpoint& endpoint() const;

private:
    std::shared_ptr<StreamClientState> state_;  // owners: this and its calls
};

}  // namespace sallyport::http
