#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/http/observer.h"
#include "agent/http/route.h"
#include "agent/lanes/edge_threads.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

/// Certificate and key in PEM files. TLS 1.2 or newer.
struct TlsServerConfig {
    std::string certificate_file;  ///< the chain, leaf first
    std::string key_file;
    std::string client_ca_file;  ///< not empty: clients must show a certificate of one of these authorities
};

struct TcpListen {
    std::string host;  ///< an address, or a name that resolves to one; "" and "*": all
    std::uint16_t port = 0;
    std::optional<TlsServerConfig> tls;
};
struct UnixListen {
    std::string path;
    mode_t mode = 0660;
};
using ListenOn = std::variant<TcpListen, UnixListen>;

struct ServerLimits {
    std::size_t header_bytes = 16 * 1024;  ///< request line and headers: over it long_head_status
    int long_head_status = 431;            ///< RFC 6585, section 5; some kinds of client know another one
    std::uint64_t body_bytes = std::uint64_t{1}
                               << 20U;              ///< hard limit of a body: over it 413, and the connection closes
    std::size_t connections = 1024;                 ///< of all listeners together; more wait in the kernel's queue
    std::chrono::milliseconds header_time{10'000};  ///< from a request's first byte to the end of its head
    std::chrono::milliseconds body_time{30'000};    ///< for each piece of a body
    std::chrono::milliseconds write_time{30'000};   ///< for each piece of an answer
    std::chrono::milliseconds idle_time{60'000};    ///< between requests
};

struct ServerConfig {
    std::string name;       ///< for the log: "rest", "objects"
    std::string host_href;  ///< what base_url is; empty: taken from the request
    ServerLimits limits;
    Observer* observer = nullptr;  ///< outlives the server; nullptr: nobody looks
};

/// An HTTP/1.1 server on one door: parses strictly, hands each request to `door`, keeps connections alive and
/// pipelined, and bounds everything a client can make it hold. The edge must outlive it.
class Server {
public:
    Server(lanes::EdgeThreads& edge, ServerConfig config, StreamHandler door);
    /// Closes what is left at once.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Opens a door; connections are taken from start() on. Gives the TCP port (useful with port 0; 0 for UNIX
    /// sockets). A UNIX socket file that nobody listens on is replaced. Error: `Conflict` if somebody listens there
    /// already, `Io`, `InvalidInput` for an address or certificate that makes no sense: the message says which.
    Result<std::uint16_t> listen(const ListenOn& where);
    void start();

    /// Takes no more connections, closes idle ones, and closes each of the others after its current answer. Returns
    /// when all are gone or the time is over (the rest is then cut); true in the first case. Blocks; not from the edge.
    bool stop(std::chrono::milliseconds within);

    struct Counters {
        std::size_t open_connections;
        std::uint64_t connections;
        std::uint64_t requests;
        std::uint64_t refused_requests;  ///< answered by the server itself: broken or over a limit
    };
    Counters counters() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  ///< owners: this and the coroutines of its connections
};

}  // namespace sallyport::http
