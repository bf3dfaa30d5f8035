#include "agent/http/tls.h"

#include <arpa/inet.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <utility>

#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::http {
namespace {

constexpr auto AsTuple = asio::as_tuple(asio::use_awaitable);

using SslCtx = std::unique_ptr<SSL_CTX, crypto::Freer<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, crypto::Freer<SSL_free>>;
using Certificate = std::unique_ptr<X509, crypto::Freer<X509_free>>;

std::string newest_openssl_error() {
    const std::string detail = crypto::openssl_detail();
    return detail.empty() ? "connection lost" : detail;
}

Error unusable(const std::string& what, const std::string& file) {
    return Error{Code::InvalidInput, "cannot use " + file + " as " + what, newest_openssl_error()};
}

std::string subject_of(SSL* ssl) {
    const Certificate certificate(SSL_get1_peer_certificate(ssl));
    if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
    const crypto::Bio out(BIO_new(BIO_s_mem()));
    if (out == nullptr ||
        X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0) {
        return {};
    }
    char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(length)};
}

/// OpenSSL works on the socket itself and says when it would have to wait; Asio does the waiting.
class OpensslStream final : public TlsStream {
public:
    OpensslStream(Socket socket, Peer peer, std::shared_ptr<TlsContext> context, Ssl ssl)
        : context_(std::move(context)), socket_(std::move(socket)), peer_(std::move(peer)), ssl_(std::move(ssl)) {}

    asio::awaitable<Result<void>> shake_hands() override {
        for (;;) {
            ERR_clear_error();
            const int rc = SSL_do_handshake(ssl_.get());
            if (rc == 1) break;
            const int why = SSL_get_error(ssl_.get(), rc);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                const long verdict = SSL_get_verify_result(ssl_.get());
                const std::string detail = newest_openssl_error();
                if (verdict != X509_V_OK) {
                    co_return Error{Code::Unauthenticated,
                                    std::string("certificate refused: ") + X509_verify_cert_error_string(verdict),
                                    detail};
                }
                co_return Error{Code::Io, "TLS handshake failed", detail};
            }
            const boost::system::error_code error = co_await wait(why);
            if (error) co_return Error{Code::Io, "TLS handshake failed", error.message()};
        }
        peer_.certificate_subject = subject_of(ssl_.get());
        co_return Result<void>();
    }

    asio::awaitable<Transfer> read_some(asio::mutable_buffer into) override {
        for (;;) {
            ERR_clear_error();
            std::size_t n = 0;
            const int rc = SSL_read_ex(ssl_.get(), into.data(), into.size(), &n);
            if (rc == 1) co_return Transfer{{}, n};
            const int why = SSL_get_error(ssl_.get(), rc);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) co_return Transfer{failure(why), 0};
            const boost::system::error_code error = co_await wait(why);
            if (error) co_return Transfer{error, 0};
        }
    }

    asio::awaitable<Transfer> write_some(std::span<const asio::const_buffer> from) override {
        // One record a buffer: gathering them first would copy plaintext.
        const auto buffer = std::find_if(from.begin(), from.end(), [](const auto& b) { return b.size() > 0; });
        if (buffer == from.end()) co_return Transfer{};
        for (;;) {
            ERR_clear_error();
            std::size_t n = 0;
            const int rc = SSL_write_ex(ssl_.get(), buffer->data(), buffer->size(), &n);
            if (rc == 1) co_return Transfer{{}, n};
            const int why = SSL_get_error(ssl_.get(), rc);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) co_return Transfer{failure(why), 0};
            const boost::system::error_code error = co_await wait(why);
            if (error) co_return Transfer{error, 0};
        }
    }

    void shut_down_sending() noexcept override {
        ERR_clear_error();
        // Sends close_notify if the socket has room for it; the peer's answer is not waited for.
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
        boost::system::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }

    void cancel() noexcept override { cancel_socket(socket_); }
    bool peer_is_gone() noexcept override { return peer_of_socket_is_gone(socket_); }
    const Peer& peer() const noexcept override { return peer_; }

private:
    asio::awaitable<boost::system::error_code> wait(int why) {
        const auto what = why == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write;
        auto [error] = co_await socket_.async_wait(what, AsTuple);
        co_return error;
    }

    static boost::system::error_code failure(int why) {
        if (why == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
        if (why == SSL_ERROR_SYSCALL && errno != 0) return {errno, boost::system::system_category()};
        // An end without close_notify is a truncation, not an end (RFC 8446, section 6.1).
        return asio::error::connection_reset;
    }

    std::shared_ptr<TlsContext> context_;
    Socket socket_;
    Peer peer_;
    Ssl ssl_;
};

}  // namespace

struct TlsContext::Impl {
    SslCtx ctx;
    bool server = false;
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

namespace {

Result<SslCtx> common_context(const SSL_METHOD* method) {
    // OpenSSL writes to sockets with write(2), which has no MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
    SslCtx ctx(SSL_CTX_new(method));
    if (ctx == nullptr || SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION) != 1) {
        return Error{Code::Internal, "cannot set TLS up", newest_openssl_error()};
    }
    // Received plaintext is wiped from OpenSSL's own buffers once it is read: keys come this way.
    SSL_CTX_set_options(ctx.get(), SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::for_server(const TlsServerConfig& config) {
    auto impl = std::make_unique<Impl>();
    impl->server = true;
    impl->ctx = TRY(common_context(TLS_server_method()));
    SSL_CTX* ctx = impl->ctx.get();
    if (SSL_CTX_use_certificate_chain_file(ctx, config.certificate_file.c_str()) != 1) {
        return unusable("the server's certificate", config.certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, config.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return unusable("the key of " + config.certificate_file, config.key_file);
    }
    if (!config.client_ca_file.empty()) {
        STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(config.client_ca_file.c_str());
        if (names == nullptr || SSL_CTX_load_verify_file(ctx, config.client_ca_file.c_str()) != 1) {
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            return unusable("the clients' authorities", config.client_ca_file);
        }
        SSL_CTX_set_client_CA_list(ctx, names);  // takes them over
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        // Sessions that were resumed carry the client's certificate only within one context id.
        constexpr std::array<unsigned char, 9> Id = {'s', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't'};
        if (SSL_CTX_set_session_id_context(ctx, Id.data(), Id.size()) != 1) {
            return Error{Code::Internal, "cannot set TLS up", newest_openssl_error()};
        }
    }
    return std::make_shared<TlsContext>(std::move(impl));
}

Result<std::shared_ptr<TlsContext>> TlsContext::for_client(const std::string& ca_file) {
    auto impl = std::make_unique<Impl>();
    impl->ctx = TRY(common_context(TLS_client_method()));
    SSL_CTX* ctx = impl->ctx.get();
    if (ca_file.empty()) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1) return unusable("authorities", "the system's certificates");
    } else if (SSL_CTX_load_verify_file(ctx, ca_file.c_str()) != 1) {
        return unusable("authorities", ca_file);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    return std::make_shared<TlsContext>(std::move(impl));
}

Result<std::unique_ptr<TlsStream>> make_tls_stream(Socket socket, Peer peer, std::shared_ptr<TlsContext> context,
                                                   const std::string& server_name) {
    Ssl ssl(SSL_new(context->impl().ctx.get()));
    boost::system::error_code error;
    socket.native_non_blocking(true, error);
    if (ssl == nullptr || error || SSL_set_fd(ssl.get(), socket.native_handle()) != 1) {
        return Error{Code::Internal, "cannot begin a TLS session", newest_openssl_error()};
    }
    if (context->impl().server) {
        SSL_set_accept_state(ssl.get());
    } else {
        SSL_set_connect_state(ssl.get());
        // RFC 6066, section 3: server_name is a name, never an address; an address is matched as one.
        unsigned char address[16];
        const bool is_address = inet_pton(AF_INET, server_name.c_str(), address) == 1 ||
                                inet_pton(AF_INET6, server_name.c_str(), address) == 1;
        const bool set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), server_name.c_str()) == 1
                                    : SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) == 1 &&
                                          SSL_set1_host(ssl.get(), server_name.c_str()) == 1;
        if (!set)
            return Error{Code::InvalidInput, "cannot expect a certificate for " + server_name, newest_openssl_error()};
    }
    peer.transport = Transport::Tls;
    return std::unique_ptr<TlsStream>(
        std::make_unique<OpensslStream>(std::move(socket), std::move(peer), std::move(context), std::move(ssl)));
}

}  // namespace sallyport::http
