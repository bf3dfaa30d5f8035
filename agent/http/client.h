#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/byte_stream.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

/// Where a server is.
struct Endpoint {
    Transport transport = Transport::Tcp;
    std::string host;  ///< name or address; of a UNIX socket its path
    std::uint16_t port = 0;
    std::string path_prefix;  ///< of the URL: put before each target; no trailing slash
    std::string ca_file;      ///< authorities that may vouch for a TLS server; empty: the system's

    std::string text() const;         ///< "host:port", or the socket's path: for people
    std::string host_header() const;  ///< the value of Host

    /// "http://host:port/prefix", "https://…", "unix:///run/sallyport/agent.sock". Error: `InvalidInput`.
    static Result<Endpoint> parse(std::string_view url);
};

/// Connects. Error: `Unavailable` with what could not be reached and why.
asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(const Endpoint& endpoint,
                                                             std::chrono::steady_clock::time_point deadline);

struct ClientConfig {
    std::size_t response_bytes = 1 << 20;  ///< a longer body is an error
    std::size_t idle_connections = 4;      ///< kept open for later calls
};

/// An HTTP/1.1 client of one endpoint, with keep-alive. Bodies are in locked memory, both ways.
/// Thread-safe: each call runs on the executor of its coroutine.
class Client {
public:
    explicit Client(Endpoint endpoint, ClientConfig config = {});
    ~Client();

    /// Sends `request` (method, target, headers, body; Host, Content-Length and Connection are added) and gives the
    /// answer, whatever its status. A kept connection that the server had closed is replaced once, if nothing of an
    /// answer came. Error: `Unavailable` if the server cannot be reached or is too slow, `Corrupt` if its answer is no
    /// HTTP, `TooLarge`, `Overloaded` if the arena is full.
    asio::awaitable<Result<api::Response>> fetch(const api::Request& request, std::chrono::milliseconds within);

    const Endpoint& endpoint() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One call from a thread that may block (the command line): runs its own event loop until the answer is there.
Result<api::Response> fetch_blocking(const Endpoint& endpoint, const api::Request& request,
                                     std::chrono::milliseconds within, const ClientConfig& config = {});

}  // namespace sallyport::http
