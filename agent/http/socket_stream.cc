#include "agent/http/socket_stream.h"

#include <arpa/inet.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

namespace sallyport::http {
namespace {

constexpr auto AsTuple = asio::as_tuple(asio::use_awaitable);

class SocketStream final : public ByteStream {
public:
    SocketStream(Socket socket, Peer peer) : socket_(std::move(socket)), peer_(std::move(peer)) {
        boost::system::error_code ignored;
        socket_.native_non_blocking(true, ignored);
    }

    asio::awaitable<Transfer> read_some(asio::mutable_buffer into) override {
        auto [error, n] = co_await socket_.async_read_some(into, AsTuple);
        co_return Transfer{error, n};
    }

    asio::awaitable<Transfer> write_some(std::span<const asio::const_buffer> from) override {
        std::array<iovec, 8> parts{};
        msghdr message{};
        message.msg_iov = parts.data();
        for (const asio::const_buffer& buffer : from.first(std::min(from.size(), parts.size()))) {
            // sendmsg(2) does not write through the pointer; iovec has no const twin.
            parts[message.msg_iovlen++] = {const_cast<void*>(buffer.data()), buffer.size()};
        }
        // The kernel nearly always has room, so it is asked at once: that spares a round through the event loop.
        for (;;) {
            const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n >= 0) co_return Transfer{{}, static_cast<std::size_t>(n)};
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                co_return Transfer{boost::system::error_code(errno, boost::system::system_category()), 0};
            }
            auto [error] = co_await socket_.async_wait(Socket::wait_write, AsTuple);
            if (error) co_return Transfer{error, 0};
        }
    }

    void shut_down_sending() noexcept override {
        boost::system::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }

    void cancel() noexcept override { cancel_socket(socket_); }
    bool peer_is_gone() noexcept override { return peer_of_socket_is_gone(socket_); }
    const Peer& peer() const noexcept override { return peer_; }

private:
    Socket socket_;
    Peer peer_;
};

std::string address_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
    }
    return "unix";
}

/// SO_PEERGROUPS (Linux 4.13, unix(7)): the peer's supplementary groups when it connected.
std::vector<gid_t> supplementary_groups(int fd) {
    std::vector<gid_t> groups(64);
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        const int outcome = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
        const bool is_too_small = outcome != 0 && errno == ERANGE;  // length now says how much it takes
        if (outcome != 0 && !is_too_small) return {};
        groups.resize(length / sizeof(gid_t));
        if (outcome == 0) return groups;
    }
    return {};
}

}  // namespace

Peer peer_of(Socket& socket) {
    Peer peer;
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(socket.native_handle(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return peer;
    peer.address = address_text(address);
    if (address.ss_family != AF_UNIX) return peer;
    peer.transport = Transport::Unix;
    ucred credentials{};
    length = sizeof credentials;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) {
        peer.credentials = Peer::Credentials{credentials.pid, credentials.uid, credentials.gid,
                                             supplementary_groups(socket.native_handle())};
    }
    return peer;
}

void cancel_socket(Socket& socket) noexcept {
    // Wakes what is pending and fails what comes: closing would free a descriptor that is in use.
    boost::system::error_code ignored;
    socket.shutdown(Socket::shutdown_both, ignored);
}

bool peer_of_socket_is_gone(Socket& socket) noexcept {
    char byte = 0;
    const ssize_t n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

std::unique_ptr<ByteStream> make_socket_stream(Socket socket, Peer peer) {
    return std::make_unique<SocketStream>(std::move(socket), std::move(peer));
}

asio::awaitable<Transfer> write_all(ByteStream& stream, std::span<asio::const_buffer> from) {
    std::size_t written = 0;
    while (!from.empty()) {
        if (from.front().size() == 0) {
            from = from.subspan(1);
            continue;
        }
        const Transfer sent = co_await stream.write_some(from);
        if (sent.error) co_return Transfer{sent.error, written};
        written += sent.bytes;
        std::size_t left = sent.bytes;
        while (left > 0 && left >= from.front().size()) {
            left -= from.front().size();
            from = from.subspan(1);
        }
        if (left > 0) from.front() += left;
    }
    co_return Transfer{{}, written};
}

}  // namespace sallyport::http
