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
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "agent/http/head.h"
#include "agent/http/parser.h"
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

/// Where the server is, for people.
std::string shown(const Endpoint& endpoint) {
    if (endpoint.transport == Transport::Unix) return endpoint.host;
    return endpoint.host + ":" + std::to_string(endpoint.port);
}

/// The value of Host: brackets around an IPv6 address, the port unless it is the scheme's own.
std::string host_header(const Endpoint& endpoint) {
    if (endpoint.transport == Transport::Unix) return "localhost";
    std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
    const std::uint16_t usual = endpoint.transport == Transport::Tls ? 443 : 80;
    if (endpoint.port != usual) host += ":" + std::to_string(endpoint.port);
    return host;
}

/// Interrupts `target` when the time is up. `target` outlives it.
template <class Target>
class Alarm {
public:
    Alarm(asio::any_io_executor executor, Target& target, Deadline deadline) : timer_(std::move(executor), deadline) {
        timer_.async_wait([state = state_, &target](const error_code& error) {
            if (error || state->disarmed) return;
            state->rang = true;
            if constexpr (requires { target.cancel(); }) {
                target.cancel();
            } else {
                target->cancel();
            }
        });
    }
    ~Alarm() { state_->disarmed = true; }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    bool rang() const { return state_->rang; }

private:
    struct State {
        bool disarmed = false;
        bool rang = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();  // owners: this and the timer's handler
    asio::steady_timer timer_;
};

asio::awaitable<Result<Socket>> connect_socket(const Endpoint& endpoint, Deadline deadline) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const std::string what = "cannot connect to " + shown(endpoint);
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

/// One connection to the server, between two calls or in one.
struct Link {
    std::unique_ptr<ByteStream> stream;
    asio::any_io_executor executor;
    MessageParser parser{MessageParser::Role::Client};
};

/// The part of a call that has a connection.
class Call {
public:
    Call(Link& link, const Endpoint& endpoint, const ClientConfig& config)
        : link_(link), endpoint_(endpoint), config_(config) {}

    asio::awaitable<Result<api::Response>> run(const api::Request& request) {
        Result<SecureBytes> buffer = SecureBytes::of_size(FirstPiece);
        if (!buffer) co_return buffer.error();
        buffer_ = std::move(*buffer);
        std::string head;
        write_request_head(request, endpoint_.path_prefix, host_header(endpoint_), head);
        const std::span<const std::byte> body = request.body.reveal();
        std::array parts = {asio::const_buffer(head.data(), head.size()), asio::const_buffer(body.data(), body.size())};
        const Transfer sent = co_await write_all(*link_.stream, parts);
        // A server may answer and close before it has read everything: look for the answer all the same.
        api::Response response;
        Result<Framing> framing = co_await read_head(request.method == "HEAD", response);
        if (!framing) {
            if (sent.error) co_return unavailable("the connection to " + shown(endpoint_) + " is lost", sent.error);
            co_return framing.error();
        }
        Result<SecureBytes> content = co_await read_body(*framing);
        if (!content) co_return content.error();
        response.body = std::move(*content);
        reusable = framing->keep_alive && !sent.error && begin_ == end_;
        co_return std::move(response);
    }

    bool answer_began = false;
    bool reusable = false;

private:
    asio::awaitable<Result<std::size_t>> fill(std::size_t limit) {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == buffer_.size()) {
            if (buffer_.size() >= limit) co_return Error{Code::Corrupt, "the answer's head is too long", {}};
            Result<SecureBytes> larger = SecureBytes::of_size(buffer_.size() * 2);
            if (!larger) co_return larger.error();
            std::memcpy(larger->writable().data(), buffer_.writable().data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
            buffer_ = std::move(*larger);
        }
        const std::span<std::byte> room = buffer_.writable().subspan(end_);
        const Transfer got = co_await link_.stream->read_some({room.data(), room.size()});
        if (got.error) co_return unavailable("the connection to " + shown(endpoint_) + " is lost", got.error);
        end_ += got.bytes;
        answer_began = true;
        co_return got.bytes;
    }

    std::span<std::byte> buffered() { return buffer_.writable().subspan(begin_, end_ - begin_); }

    asio::awaitable<Result<Framing>> read_head(bool to_head, api::Response& response) {
        for (;;) {
            std::size_t scanned = 0;
            HeadScan scan = scan_head(text_of(buffered()), scanned);
            while (scan.state == HeadScan::State::NeedMore) {
                const Result<std::size_t> got = co_await fill(HeadBytes);
                if (!got) co_return got.error();
                scan = scan_head(text_of(buffered()), scanned);
            }
            if (scan.state == HeadScan::State::Broken) co_return not_http("a line does not end in CR LF");
            const Result<Framing> framing =
                link_.parser.parse_response_head(text_of(buffered().first(scan.length)), to_head, response);
            begin_ += scan.length;
            if (!framing) co_return not_http(framing.error().message);
            // RFC 9110, section 15.2: interim answers come before the real one.
            if (response.status / 100 != 1) co_return *framing;
        }
    }

    Error not_http(const std::string& why) const {
        return Error{Code::Corrupt, shown(endpoint_) + " does not answer in HTTP", why};
    }

    Error too_large() const {
        return Error{Code::TooLarge,
                     "the answer of " + shown(endpoint_) + " is longer than " + std::to_string(config_.response_bytes) +
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
            const Result<std::size_t> got = co_await read_piece(framing, body->writable().subspan(filled), done);
            if (!got) co_return got.error();
            filled += *got;
            if (framing.length && filled == *framing.length) done = true;
        }
        if (filled > config_.response_bytes) co_return too_large();
        body->truncate(filled);
        co_return std::move(*body);
    }

    asio::awaitable<Result<std::size_t>> read_piece(const Framing& framing, std::span<std::byte> into, bool& done) {
        for (;;) {
            const std::span<std::byte> here = buffered();
            if (!here.empty() && framing.chunked) {
                const Result<ChunkProgress> progress = link_.parser.parse_chunked(here, into);
                if (!progress) co_return not_http(progress.error().message);
                wipe(here.first(progress->consumed));
                begin_ += progress->consumed;
                done = progress->done;
                if (progress->produced > 0 || done) co_return progress->produced;
            } else if (!here.empty()) {
                const std::size_t n = std::min(here.size(), into.size());
                std::memcpy(into.data(), here.data(), n);
                wipe(here.first(n));
                begin_ += n;
                co_return n;
            }
            if (!framing.chunked) {
                const Transfer got = co_await link_.stream->read_some({into.data(), into.size()});
                if (!got.error) co_return got.bytes;
                done = framing.until_close && got.error == asio::error::eof;
                if (done) co_return std::size_t{0};
                co_return unavailable("the connection to " + shown(endpoint_) + " is lost", got.error);
            }
            const Result<std::size_t> got = co_await fill(HeadBytes);
            if (!got) co_return got.error();
        }
    }

    Link& link_;
    const Endpoint& endpoint_;
    const ClientConfig& config_;
    SecureBytes buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace

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
        co_return Error{Code::Unavailable, "cannot connect to " + shown(endpoint) + ": " + shaken.error().message,
                        shaken.error().detail};
    }
    std::unique_ptr<ByteStream> ready = std::move(stream);
    co_return std::move(ready);
}

struct Client::Impl {
    Endpoint endpoint;
    ClientConfig config;
    std::mutex mutex;
    std::vector<std::unique_ptr<Link>> idle;

    std::unique_ptr<Link> take_idle(const asio::any_io_executor& executor) {
        const std::lock_guard lock(mutex);
        for (auto link = idle.rbegin(); link != idle.rend(); ++link) {
            if ((*link)->executor != executor) continue;
            std::unique_ptr<Link> taken = std::move(*link);
            idle.erase(std::next(link).base());
            return taken;
        }
        return nullptr;
    }
    void keep(std::unique_ptr<Link> link) {
        const std::lock_guard lock(mutex);
        if (idle.size() < config.idle_connections) idle.push_back(std::move(link));
    }
};

Client::Client(Endpoint endpoint, ClientConfig config) : impl_(std::make_unique<Impl>()) {
    impl_->endpoint = std::move(endpoint);
    impl_->config = config;
}
Client::~Client() = default;

const Endpoint& Client::endpoint() const { return impl_->endpoint; }

asio::awaitable<Result<api::Response>> Client::fetch(const api::Request& request, std::chrono::milliseconds within) {
    const Deadline deadline = std::chrono::steady_clock::now() + within;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    for (;;) {
        std::unique_ptr<Link> link = impl_->take_idle(executor);
        if (link != nullptr && link->stream->peer_is_gone()) continue;
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
            if (call.reusable && !alarm.rang()) impl_->keep(std::move(link));
            co_return std::move(response);
        }
        if (alarm.rang()) {
            co_return Error{Code::Unavailable, shown(impl_->endpoint) + " did not answer in time", {}};
        }
        // The server closed the connection that was kept just when this call began: it has seen nothing of it.
        if (kept && !call.answer_began && response.error().code == Code::Unavailable) continue;
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
