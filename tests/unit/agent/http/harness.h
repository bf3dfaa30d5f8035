#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/head.h"
#include "agent/http/server.h"
#include "agent/lanes/edge_threads.h"
#include "keymanager/base/bytes.h"

/// What the tests of agent/http share: a server on a free port and a client that sends whatever bytes it is told to.
namespace sallyport::http::testing_ {

/// A blocking socket with a receive timeout far above anything that passes.
class RawClient {
public:
    static RawClient tcp(std::uint16_t port) {
        RawClient client(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        client.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
        return client;
    }
    static RawClient unix(const std::string& path) {
        RawClient client(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        client.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
        return client;
    }
    RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
    RawClient& operator=(RawClient&&) = delete;
    ~RawClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return;  // the server has closed: the test sees it in the answer
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void half_close() { ::shutdown(fd_, SHUT_WR); }
    int fd() const { return fd_; }

    /// All that comes until the server closes; nullopt if it does not.
    std::optional<std::string> read_to_end() {
        while (more()) {
        }
        if (!ended_) return std::nullopt;
        return std::exchange(in_, {});
    }
    /// One answer with Content-Length (or none): its head and body.
    std::string read_answer(bool to_head = false) {
        std::size_t end = 0;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return std::exchange(in_, {});
        }
        std::size_t length = 0;
        const std::size_t mark = in_.find("Content-Length: ");
        if (!to_head && mark != std::string::npos && mark < end) length = std::stoul(in_.substr(mark + 16));
        while (in_.size() < end + 4 + length) {
            if (!more()) break;
        }
        std::string answer = in_.substr(0, end + 4 + length);
        in_.erase(0, answer.size());
        return answer;
    }
    /// Reads until `text` has come.
    bool read_until(std::string_view text) {
        while (in_.find(text) == std::string::npos) {
            if (!more()) return false;
        }
        return true;
    }
    const std::string& received() const { return in_; }

private:
    explicit RawClient(int fd) : fd_(fd) {
        const timeval patience{20, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void connect(const sockaddr* address, socklen_t length) {
        if (::connect(fd_, address, length) != 0) ADD_FAILURE() << "connect: " << std::strerror(errno);
    }
    bool more() {
        char buffer[4096];
        const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
        if (n > 0) {
            in_.append(buffer, static_cast<std::size_t>(n));
            return true;
        }
        ended_ = n == 0 || errno == ECONNRESET;
        return false;
    }

    int fd_;
    std::string in_;
    bool ended_ = false;
};

/// A folder of its own, gone with the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-test-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

/// A server with one loop on a free port, whose door the test gives.
class TestServer {
public:
    explicit TestServer(StreamHandler door, ServerLimits limits = {}, std::optional<TlsServerConfig> tls = {},
                        std::size_t loops = 1)
        : edge_({.loops = loops}),
          server_(edge_, {.name = "test", .host_href = {}, .limits = limits}, std::move(door)) {
        edge_.start();
        auto bound = server_.listen(TcpListen{"127.0.0.1", 0, std::move(tls)});
        if (!bound) {
            ADD_FAILURE() << bound.error().message << " " << bound.error().detail;
            return;
        }
        port_ = *bound;
        server_.start();
    }
    std::uint16_t port() const { return port_; }
    RawClient connect() const { return RawClient::tcp(port_); }
    Server& server() { return server_; }
    lanes::EdgeThreads& edge() { return edge_; }

private:
    lanes::EdgeThreads edge_;
    Server server_;
    std::uint16_t port_ = 0;
};

inline std::span<const std::byte> bytes(std::string_view text) { return bytes_of(text); }

/// Answers with the method, the target and the body that it got.
inline StreamHandler echo(std::size_t limit = 1000) {
    return [limit](Exchange& exchange) -> asio::awaitable<void> {
        auto body = co_await exchange.read_whole_body(limit);
        if (!body) co_return;
        std::string text = exchange.request().method + " " + exchange.request().target + " ";
        text += text_of(body->reveal());
        ResponseHead head;
        co_await exchange.respond(head, bytes(text));
    };
}

inline std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
inline std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

}  // namespace sallyport::http::testing_
