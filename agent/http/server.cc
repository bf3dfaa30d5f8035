#include "agent/http/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/http/connection.h"
#include "agent/http/socket_stream.h"
#include "agent/http/tls.h"
#include "keymanager/base/log.h"

namespace sallyport::http {
namespace {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using boost::system::error_code;

constexpr auto AsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds WaitWhenFull{50};
/// How long a server that ran out of its stopping time waits for its cut connections to notice.
constexpr std::chrono::milliseconds AfterCut{1000};

std::string errno_text() { return std::strerror(errno); }

/// One socket that is listened on; of a TCP address there is one for each loop.
struct Listener {
    Acceptor acceptor;
    std::size_t loop;
    bool spread;  ///< the connections go to all loops in turn
    std::shared_ptr<TlsContext> tls;
};

/// What a server keeps for each event loop; touched on that loop only.
struct LoopState {
    explicit LoopState(asio::io_context& on) : context(on), ticker(on) {}
    asio::io_context& context;
    asio::steady_timer ticker;
    bool ticking = false;
    std::list<Connection> connections;
};

int open_socket(int family, const sockaddr* address, socklen_t length, bool share_port, std::string& why) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        why = errno_text();
        return -1;
    }
    const int on = 1;
    bool good = true;
    if (family != AF_UNIX) good = ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (good && share_port) good = ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (good) good = ::bind(fd, address, length) == 0;
    if (good && share_port) good = ::listen(fd, SOMAXCONN) == 0;
    if (good) return fd;
    why = errno_text();
    ::close(fd);
    return -1;
}

/// A path that can be bound: absent, or a socket that nobody listens on any more, which is removed.
Result<void> clear_stale_socket(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode)) {
        return Error{Code::Conflict, path + " exists and is no socket: remove it or listen elsewhere", {}};
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return Error{Code::Io, "cannot look at " + path, errno_text()};
    const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int why = errno;
    ::close(fd);
    // EAGAIN: somebody listens, and its queue is full.
    if (rc == 0 || why == EAGAIN) return Error{Code::Conflict, "another process listens on " + path, {}};
    if (::unlink(path.c_str()) != 0) return Error{Code::Io, "cannot remove the stale socket " + path, errno_text()};
    return {};
}

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
    Impl(lanes::EdgeThreads& edge_threads, ServerConfig settings, StreamHandler handler)
        : edge(edge_threads), config(std::move(settings)), door(std::move(handler)) {
        for (std::size_t i = 0; i < edge.size(); ++i) loops.push_back(std::make_unique<LoopState>(edge.context(i)));
        const ServerLimits& limits = config.limits;
        const auto shortest = std::min({limits.header_time, limits.body_time, limits.write_time, limits.idle_time});
        tick = std::clamp<std::chrono::milliseconds>(shortest / 4, std::chrono::milliseconds(5),
                                                     std::chrono::milliseconds(1000));
    }

    Result<std::uint16_t> listen_tcp(const TcpListen& where);
    Result<void> listen_unix(const UnixListen& where);
    void add_listener(int fd, int family, std::size_t loop, bool spread, std::shared_ptr<TlsContext> tls);

    class Running;
    using Token = std::unique_ptr<Running>;
    static asio::awaitable<void> accept_all(std::shared_ptr<Impl> self, Token running, Listener& listener);
    static asio::awaitable<void> serve(std::shared_ptr<Impl> self, Token running, std::size_t loop, Socket socket,
                                       std::shared_ptr<TlsContext> tls);
    static asio::awaitable<void> watch_deadlines(std::shared_ptr<Impl> self, Token running, LoopState& state);
    Result<std::unique_ptr<ByteStream>> stream_over(Socket socket, const std::shared_ptr<TlsContext>& tls);

    /// Runs `action` for each loop's state, on that loop.
    template <class Action>
    void on_each_loop(Action action) {
        for (auto& state : loops) {
            asio::post(state->context, [self = shared_from_this(), token = running(), at = state.get(), action] {
                static_cast<void>(token);
                action(*self, *at);
            });
        }
    }
    /// For as long as it lives a coroutine or a posted call of this server runs, or is about to: it is made before the
    /// coroutine is spawned, so that nothing is released between that and its first step.
    class Running {
    public:
        explicit Running(Impl& server) : server_(server) { ++server_.coroutines; }
        ~Running() {
            if (--server_.coroutines != 0) return;
            const std::lock_guard lock(server_.mutex);
            server_.all_ended.notify_all();
        }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

    private:
        Impl& server_;
    };
    Token running() { return std::make_unique<Running>(*this); }

    /// Takes the sockets and timers out of the event loops, which may go before the last owner of this. Not while a
    /// coroutine may still use them.
    void release() {
        std::unique_lock lock(mutex);
        const auto ended = [this] { return coroutines.load() == 0; };
        if (edge.is_running() && !all_ended.wait_for(lock, AfterCut, ended)) return;
        listeners.clear();
        loops.clear();
    }
    bool wait_until_gone(std::chrono::milliseconds within) {
        std::unique_lock lock(mutex);
        return all_gone.wait_for(lock, within, [this] { return counters.open.load() == 0; });
    }

    lanes::EdgeThreads& edge;
    const ServerConfig config;
    const StreamHandler door;
    std::chrono::milliseconds tick;
    std::vector<std::unique_ptr<LoopState>> loops;
    std::list<Listener> listeners;
    std::vector<std::string> socket_files;
    std::atomic<std::size_t> next_loop{0};
    std::atomic<bool> stopping{false};
    SharedCounters counters;
    std::mutex mutex;
    std::condition_variable all_gone;
    std::atomic<std::size_t> coroutines{0};
    std::condition_variable all_ended;
};

void Server::Impl::add_listener(int fd, int family, std::size_t loop, bool spread, std::shared_ptr<TlsContext> tls) {
    Acceptor acceptor(loops[loop]->context, asio::generic::stream_protocol(family, 0), fd);
    listeners.push_back({std::move(acceptor), loop, spread, std::move(tls)});
}

Result<std::uint16_t> Server::Impl::listen_tcp(const TcpListen& where) {
    std::shared_ptr<TlsContext> tls;
    if (where.tls) tls = TRY(TlsContext::for_server(*where.tls));
    const std::string shown = where.host + ":" + std::to_string(where.port);
    tcp::endpoint endpoint;
    error_code error;
    if (where.host.empty() || where.host == "*") {
        endpoint = tcp::endpoint(tcp::v6(), where.port);
    } else if (const auto address = asio::ip::make_address(where.host, error); !error) {
        endpoint = tcp::endpoint(address, where.port);
    } else {
        tcp::resolver resolver(loops[0]->context);
        const auto found = resolver.resolve(where.host, std::to_string(where.port), tcp::resolver::passive, error);
        if (error || found.empty()) {
            return Error{Code::InvalidInput, "cannot listen on " + shown + ": no such address", error.message()};
        }
        endpoint = *found.begin();
    }
    // Sockets that share a port hide one that another process has there: a first one, which does not share, tells.
    std::string why;
    const int family = endpoint.protocol().family();
    const int probe = open_socket(family, endpoint.data(), static_cast<socklen_t>(endpoint.size()), false, why);
    if (probe < 0) return Error{Code::Conflict, "cannot listen on " + shown + ": " + why, {}};
    socklen_t length = static_cast<socklen_t>(endpoint.capacity());
    ::getsockname(probe, endpoint.data(), &length);
    ::close(probe);
    for (std::size_t i = 0; i < loops.size(); ++i) {
        const int fd = open_socket(family, endpoint.data(), static_cast<socklen_t>(endpoint.size()), true, why);
        if (fd < 0) return Error{Code::Io, "cannot listen on " + shown + ": " + why, {}};
        add_listener(fd, family, i, false, tls);
    }
    return endpoint.port();
}

Result<void> Server::Impl::listen_unix(const UnixListen& where) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (where.path.empty() || where.path.size() >= sizeof address.sun_path) {
        return Error{Code::InvalidInput, "the socket's path is empty or longer than 107 bytes: " + where.path, {}};
    }
    std::memcpy(address.sun_path, where.path.data(), where.path.size());
    TRY(clear_stale_socket(where.path, address));
    std::string why;
    const int fd = open_socket(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, false, why);
    if (fd < 0) return Error{Code::Io, "cannot listen on " + where.path + ": " + why, {}};
    // Between bind and listen nobody can connect yet, so the mode is never looser than asked.
    if (::chmod(where.path.c_str(), where.mode) != 0 || ::listen(fd, SOMAXCONN) != 0) {
        why = errno_text();
        ::close(fd);
        return Error{Code::Io, "cannot listen on " + where.path + ": " + why, {}};
    }
    socket_files.push_back(where.path);
    add_listener(fd, AF_UNIX, 0, true, nullptr);
    return {};
}

Result<std::unique_ptr<ByteStream>> Server::Impl::stream_over(Socket socket, const std::shared_ptr<TlsContext>& tls) {
    Peer peer = peer_of(socket);
    if (peer.transport != Transport::Unix) {
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
    }
    if (tls == nullptr) return make_socket_stream(std::move(socket), std::move(peer));
    std::unique_ptr<ByteStream> stream = TRY(make_tls_stream(std::move(socket), std::move(peer), tls, {}));
    return stream;
}

asio::awaitable<void> Server::Impl::accept_all(std::shared_ptr<Impl> self, Token running, Listener& listener) {
    static_cast<void>(running);
    asio::steady_timer pause(self->loops[listener.loop]->context);
    while (!self->stopping) {
        if (self->counters.open >= self->config.limits.connections) {
            pause.expires_after(WaitWhenFull);
            co_await pause.async_wait(AsTuple);
            continue;
        }
        const std::size_t loop = listener.spread ? self->next_loop++ % self->loops.size() : listener.loop;
        asio::io_context& context = self->loops[loop]->context;
        auto [error, socket] = co_await listener.acceptor.async_accept(context, AsTuple);
        if (self->stopping) co_return;
        if (error) {
            if (error != asio::error::connection_aborted) {
                log_warning("{}: cannot take a connection: {}", self->config.name, error.message());
                pause.expires_after(WaitWhenFull);
                co_await pause.async_wait(AsTuple);
            }
            continue;
        }
        ++self->counters.open;
        ++self->counters.connections;
        asio::co_spawn(context, serve(self, self->running(), loop, std::move(socket), listener.tls), asio::detached);
    }
}

asio::awaitable<void> Server::Impl::serve(std::shared_ptr<Impl> self, Token running, std::size_t loop, Socket socket,
                                          std::shared_ptr<TlsContext> tls) {
    static_cast<void>(running);
    LoopState& state = *self->loops[loop];
    auto stream = self->stream_over(std::move(socket), tls);
    if (stream && !self->stopping) {
        const auto connection = state.connections.emplace(state.connections.end(), std::move(*stream), self->config,
                                                          self->door, self->counters);
        if (!state.ticking) {
            state.ticking = true;
            asio::co_spawn(state.context, watch_deadlines(self, self->running(), state), asio::detached);
        }
        try {
            co_await connection->serve();
        } catch (const std::exception& failure) {
            log_error("{}: {}: {}", self->config.name, connection->peer().address, failure.what());
        }
        state.connections.erase(connection);
    }
    if (state.connections.empty()) state.ticker.cancel();
    if (--self->counters.open == 0) {
        const std::lock_guard lock(self->mutex);
        self->all_gone.notify_all();
    }
}

/// One timer a loop instead of several a request: deadlines are coarse, and an idle server does nothing.
asio::awaitable<void> Server::Impl::watch_deadlines(std::shared_ptr<Impl> self, Token running, LoopState& state) {
    static_cast<void>(running);
    while (!state.connections.empty()) {
        state.ticker.expires_after(self->tick);
        co_await state.ticker.async_wait(AsTuple);
        const auto now = Connection::Clock::now();
        for (Connection& connection : state.connections) connection.check_deadline(now);
    }
    state.ticking = false;
}

Server::Server(lanes::EdgeThreads& edge, ServerConfig config, StreamHandler door)
    : impl_(std::make_shared<Impl>(edge, std::move(config), std::move(door))) {}

Server::~Server() {
    stop(std::chrono::milliseconds(0));
    impl_->release();
}

Result<std::uint16_t> Server::listen(const ListenOn& where) {
    if (const auto* address = std::get_if<TcpListen>(&where)) return impl_->listen_tcp(*address);
    TRY(impl_->listen_unix(std::get<UnixListen>(where)));
    return std::uint16_t{0};
}

void Server::start() {
    for (Listener& listener : impl_->listeners) {
        asio::co_spawn(impl_->loops[listener.loop]->context, Impl::accept_all(impl_, impl_->running(), listener),
                       asio::detached);
    }
}

bool Server::stop(std::chrono::milliseconds within) {
    if (impl_->stopping.exchange(true)) return impl_->counters.open.load() == 0;
    for (const std::string& path : impl_->socket_files) ::unlink(path.c_str());
    impl_->on_each_loop([](Impl& self, LoopState& state) {
        for (Listener& listener : self.listeners) {
            error_code ignored;
            if (&self.loops[listener.loop]->context == &state.context) listener.acceptor.close(ignored);
        }
        for (Connection& connection : state.connections) connection.finish_up();
    });
    if (impl_->wait_until_gone(within)) return true;
    impl_->on_each_loop([](Impl&, LoopState& state) {
        for (Connection& connection : state.connections) connection.cut();
    });
    impl_->wait_until_gone(AfterCut);
    return false;
}

Server::Counters Server::counters() const {
    const SharedCounters& now = impl_->counters;
    return {now.open.load(), now.connections.load(), now.requests.load(), now.refused.load()};
}

}  // namespace sallyport::http
