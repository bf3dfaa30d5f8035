#include "agent/http/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "agent/http/alarm.h"
#include "agent/http/head.h"
#include "agent/http/link.h"
#include "agent/http/response_reader.h"
#include "agent/http/socket_stream.h"
#include "agent/http/tls.h"
#include "keymanager/base/bytes.h"

namespace sallyport::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Deadline = std::chrono::steady_clock::time_point;

constexpr auto AsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t HeadBytes = 32 * 1024;
constexpr std::size_t FirstPiece = 4096;

Error unavailable(const std::string& what, const error_code& error) {
    return Error{Code::Unavailable, what, error ? error.message() : std::string()};
}

asio::awaitable<Result<Socket>> connect_socket(const Endpoint& endpoint, Deadline deadline) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const std::string what = "cannot connect to " + endpoint.text();
    Socket socket(executor);
    if (endpoint.transport == Transport::Unix) {
        if (endpoint.host.size() >= sizeof(sockaddr_un::sun_path))
            co_return Error{Code::InvalidInput, what, "path too long"};
        const asio::local::stream_protocol::endpoint where(endpoint.host);
        Alarm alarm(executor, socket, deadline);
        auto [error] = co_await socket.async_connect(where, AsTuple);
        if (error) co_return unavailable(what, error);
        co_return std::move(socket);
    }
    tcp::resolver resolver(executor);
    std::vector<tcp::endpoint> addresses;
    {
        Alarm alarm(executor, resolver, deadline);
        auto [error, found] = co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port), AsTuple);
        if (error) co_return unavailable(what, error);
        for (const auto& entry : found) addresses.push_back(entry.endpoint());
    }
    error_code last;
    for (const tcp::endpoint& address : addresses) {
        socket = Socket(executor);
        Alarm alarm(executor, socket, deadline);
        auto [error] = co_await socket.async_connect(address, AsTuple);
        if (!error) {
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            co_return std::move(socket);
        }
        last = error;
    }
    co_return unavailable(what, last);
}

/// The part of a call that has a connection.
class Call {
public:
    Call(Link& link, const Endpoint& endpoint, const ClientConfig& config)
        : link_(link), endpoint_(endpoint), config_(config), reader_(link, endpoint.text(), HeadBytes) {}

    asio::awaitable<Result<api::Response>> run(const api::Request& request) {
        const Result<void> prepared = reader_.prepare(FirstPiece);
        if (!prepared) co_return prepared.error();
        BodyMark mark;
        const bool wants_length = !request.body.empty() || request.method == "POST" || request.method == "PUT";
        if (wants_length) mark.length = request.body.size();
        std::string head;
        write_request_head(request, endpoint_.path_prefix, endpoint_.host_header(), mark, head);
        const std::span<const std::byte> body = request.body.reveal();
        std::array parts = {asio::const_buffer(head.data(), head.size()), asio::const_buffer(body.data(), body.size())};
        const Transfer sent = co_await write_all(*link_.stream, parts);
        // A server may answer and close before it has read everything: look for the answer all the same.
        api::Response response;
        Result<Framing> framing = co_await reader_.read_head(request.method == "HEAD", response);
        if (!framing) {
            if (sent.error) co_return reader_.lost(sent);
            co_return framing.error();
        }
        Result<SecureBytes> content = co_await read_body(*framing);
        if (!content) co_return content.error();
        response.body = std::move(*content);
        reusable = framing->keep_alive && !sent.error && reader_.is_empty();
        co_return std::move(response);
    }

    bool answer_began() const { return reader_.began(); }
    bool reusable = false;

private:
    Error too_large() const {
        return Error{Code::TooLarge,
                     "the answer of " + endpoint_.text() + " is longer than " + std::to_string(config_.response_bytes) +
                         " bytes",
                     {}};
    }

    asio::awaitable<Result<SecureBytes>> read_body(const Framing& framing) {
        if (!framing.has_body()) co_return SecureBytes();
        if (framing.length.value_or(0) > config_.response_bytes) co_return too_large();
        // One byte more than allowed shows a body that is too long without reading the rest of it.
        const std::size_t most = config_.response_bytes + 1;
        const std::size_t first = framing.length ? static_cast<std::size_t>(*framing.length) : FirstPiece;
        Result<SecureBytes> body = SecureBytes::of_size(std::min(first, most));
        if (!body) co_return body.error();
        std::size_t filled = 0;
        bool done = false;
        while (!done) {
            if (filled == most) co_return too_large();
            if (filled == body->size()) {
                Result<SecureBytes> larger = SecureBytes::of_size(std::min(most, body->size() * 2));
                if (!larger) co_return larger.error();
                std::memcpy(larger->writable().data(), body->writable().data(), filled);
                *body = std::move(*larger);
            }
            const Result<std::size_t> got =
                co_await reader_.read_piece(framing, body->writable().subspan(filled), done);
            if (!got) co_return got.error();
            filled += *got;
            if (framing.length && filled == *framing.length) done = true;
        }
        if (filled > config_.response_bytes) co_return too_large();
        body->truncate(filled);
        co_return std::move(*body);
    }

    Link& link_;
    const Endpoint& endpoint_;
    const ClientConfig& config_;
    ResponseReader<LockedBuffer> reader_;
};

}  // namespace

std::string Endpoint::text() const {
    if (transport == Transport::Unix) return host;
    return host + ":" + std::to_string(port);
}

std::string Endpoint::host_header() const {
    if (transport == Transport::Unix) return "localhost";
    std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    const std::uint16_t usual = transport == Transport::Tls ? 443 : 80;
    if (port != usual) name += ":" + std::to_string(port);
    return name;
}

Result<Endpoint> Endpoint::parse(std::string_view url) {
    const Error invalid{Code::InvalidInput, "not a URL that can be asked: " + std::string(url), {}};
    Endpoint endpoint;
    if (url.starts_with("unix://")) {
        endpoint.transport = Transport::Unix;
        endpoint.host = url.substr(7);
        if (!endpoint.host.starts_with('/')) return invalid;
        return endpoint;
    }
    if (url.starts_with("http://")) {
        endpoint.port = 80;
        url.remove_prefix(7);
    } else if (url.starts_with("https://")) {
        endpoint.transport = Transport::Tls;
        endpoint.port = 443;
        url.remove_prefix(8);
    } else {
        return invalid;
    }
    const std::size_t path = url.find('/');
    std::string_view authority = url.substr(0, path);
    if (path != std::string_view::npos) endpoint.path_prefix = url.substr(path);
    while (endpoint.path_prefix.ends_with('/')) endpoint.path_prefix.pop_back();
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return invalid;
        endpoint.host = authority.substr(1, close - 1);
        port = authority.substr(close + 1);
    } else {
        const std::size_t colon = authority.find(':');
        endpoint.host = authority.substr(0, colon);
        if (colon != std::string_view::npos) port = authority.substr(colon);
    }
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), endpoint.port);
        if (port.front() != ':' || error != std::errc() || end != port.data() + port.size()) return invalid;
    }
    if (endpoint.host.empty() || endpoint.host.find_first_of("@?# \r\n") != std::string::npos) return invalid;
    return endpoint;
}

asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(const Endpoint& endpoint, Deadline deadline) {
    Result<Socket> connected = co_await connect_socket(endpoint, deadline);
    if (!connected) co_return connected.error();
    Socket socket = std::move(*connected);
    Peer peer = peer_of(socket);
    if (endpoint.transport != Transport::Tls) {
        co_return make_socket_stream(std::move(socket), std::move(peer));
    }
    Result<std::shared_ptr<TlsContext>> context = TlsContext::for_client(endpoint.ca_file);
    if (!context) co_return context.error();
    auto made = make_tls_stream(std::move(socket), std::move(peer), std::move(*context), endpoint.host);
    if (!made) co_return made.error();
    std::unique_ptr<TlsStream> stream = std::move(*made);
    Alarm alarm(co_await asio::this_coro::executor, stream, deadline);
    const Result<void> shaken = co_await stream->shake_hands();
    if (!shaken) {
        co_return Error{Code::Unavailable, "cannot connect to " + endpoint.text() + ": " + shaken.error().message,
                        shaken.error().detail};
    }
    std::unique_ptr<ByteStream> ready = std::move(stream);
    co_return std::move(ready);
}

struct Client::Impl {
    Endpoint endpoint;
    ClientConfig config;
    LinkPool idle;
};

Client::Client(Endpoint endpoint, ClientConfig config)
    : impl_(new Impl{std::move(endpoint), config, LinkPool(config.idle_connections)}) {}
Client::~Client() = default;

const Endpoint& Client::endpoint() const { return impl_->endpoint; }

asio::awaitable<Result<api::Response>> Client::fetch(const api::Request& request, std::chrono::milliseconds within) {
    const Deadline deadline = std::chrono::steady_clock::now() + within;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    for (;;) {
        std::unique_ptr<Link> link = impl_->idle.take(executor);
        const bool kept = link != nullptr;
        if (!kept) {
            link = std::make_unique<Link>();
            link->executor = executor;
            Result<std::unique_ptr<ByteStream>> stream = co_await connect(impl_->endpoint, deadline);
            if (!stream) co_return stream.error();
            link->stream = std::move(*stream);
        }
        Call call(*link, impl_->endpoint, impl_->config);
        Alarm alarm(executor, link->stream, deadline);
        Result<api::Response> response = co_await call.run(request);
        if (response) {
            if (call.reusable && !alarm.rang()) impl_->idle.keep(std::move(link));
            co_return std::move(response);
        }
        if (alarm.rang()) {
            co_return Error{Code::Unavailable, impl_->endpoint.text() + " did not answer in time", {}};
        }
        // The server closed the connection that was kept just when this call began: it has seen nothing of it.
        if (kept && !call.answer_began() && response.error().code == Code::Unavailable) continue;
        co_return std::move(response);
    }
}

Result<api::Response> fetch_blocking(const Endpoint& endpoint, const api::Request& request,
                                     std::chrono::milliseconds within, const ClientConfig& config) {
    asio::io_context context{1};
    Client client(endpoint, config);
    std::optional<Result<api::Response>> answer;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            Result<api::Response> response = co_await client.fetch(request, within);
            answer.emplace(std::move(response));
        },
        asio::detached);
    context.run();
    SALLYPORT_ASSERT(answer.has_value());  // the only coroutine has run to its end
    return std::move(*answer);
}

}  // namespace sallyport::http
