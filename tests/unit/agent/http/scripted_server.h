#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/http/client.h"

namespace sallyport::http::testing_ {

/// A server that sends the given texts, one a connection (or request), whatever it is asked.
class ScriptedServer {
public:
    explicit ScriptedServer(std::vector<std::string> answers, bool keep_open = false) : answers_(std::move(answers)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        socklen_t length = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, keep_open] { serve(keep_open); });
    }
    ~ScriptedServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        for (const int fd : held_) ::close(fd);
        ::close(listener_);
    }
    Endpoint endpoint() const { return Endpoint::parse("http://127.0.0.1:" + std::to_string(port_)).value(); }

private:
    void serve(bool keep_open) {
        for (const std::string& answer : answers_) {
            const int fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0) return;
            std::string request;
            char buffer[4096];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
                if (n <= 0) break;
                request.append(buffer, static_cast<std::size_t>(n));
            }
            EXPECT_EQ(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
            if (keep_open) {
                held_.push_back(fd);
            } else {
                ::close(fd);
            }
        }
    }

    std::vector<std::string> answers_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> held_;
    std::thread thread_;
};

}  // namespace sallyport::http::testing_
