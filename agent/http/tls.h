#pragma once

#include <memory>
#include <string>

#include "agent/http/byte_stream.h"
#include "agent/http/server.h"
#include "agent/http/socket_stream.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

/// Certificates and rules of one side's TLS; TLS 1.2 or newer. Thread-safe; sessions keep it alive.
class TlsContext {
public:
    /// Error: `InvalidInput` naming the file that cannot be used.
    static Result<std::shared_ptr<TlsContext>> for_server(const TlsServerConfig& config);
    /// Verifies the server's chain against `ca_file` (empty: the system's authorities) and its name.
    static Result<std::shared_ptr<TlsContext>> for_client(const std::string& ca_file);
    ~TlsContext();

    struct Impl;
    explicit TlsContext(std::unique_ptr<Impl> impl);
    Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

/// A TLS session over a connected socket. shake_hands() comes first.
class TlsStream : public ByteStream {
public:
    /// Error: `Unauthenticated` if the peer's certificate does not convince, `Io` otherwise.
    virtual asio::awaitable<Result<void>> shake_hands() = 0;
};

/// `server_name`: for a client, the name that the server's certificate must carry; empty for a server.
Result<std::unique_ptr<TlsStream>> make_tls_stream(Socket socket, Peer peer, std::shared_ptr<TlsContext> context,
                                                   const std::string& server_name);

}  // namespace sallyport::http
