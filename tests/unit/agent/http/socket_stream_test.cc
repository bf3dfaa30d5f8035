#include "agent/http/socket_stream.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>
#include <thread>

namespace sallyport::http {
namespace {

class SocketStreamTest : public testing::Test {
protected:
    SocketStreamTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        other_end_ = ends[1];
        Socket socket(context_, asio::generic::stream_protocol(AF_UNIX, 0), ends[0]);
        Peer peer = peer_of(socket);
        stream_ = make_socket_stream(std::move(socket), std::move(peer));
    }
    ~SocketStreamTest() override {
        if (other_end_ >= 0) ::close(other_end_);
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        auto outcome = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return outcome.get();
    }

    asio::io_context context_;
    int other_end_ = -1;
    std::unique_ptr<ByteStream> stream_;
};

TEST_F(SocketStreamTest, KnowsItsPeersCredentials) {
    EXPECT_EQ(stream_->peer().transport, Transport::Unix);
    ASSERT_TRUE(stream_->peer().credentials);
    EXPECT_EQ(stream_->peer().credentials->pid, ::getpid());
    EXPECT_EQ(stream_->peer().credentials->uid, ::getuid());
}

TEST_F(SocketStreamTest, WritesMoreThanTheKernelTakesAtOnce) {
    const std::string first(3'000'000, 'a');
    const std::string second = "end";
    std::size_t arrived = 0;
    std::thread reader([this, &arrived] {
        std::array<char, 65536> buffer{};
        while (arrived < 3'000'003) {
            const ssize_t n = ::recv(other_end_, buffer.data(), buffer.size(), 0);
            if (n <= 0) return;
            arrived += static_cast<std::size_t>(n);
        }
    });
    std::array parts = {asio::const_buffer(first.data(), first.size()), asio::const_buffer(nullptr, 0),
                        asio::const_buffer(second.data(), second.size())};
    const Transfer sent = run(write_all(*stream_, parts));
    reader.join();
    EXPECT_FALSE(sent.error);
    EXPECT_EQ(sent.bytes, 3'000'003U);
    EXPECT_EQ(arrived, 3'000'003U);
}

TEST_F(SocketStreamTest, TellsAnOrderlyEndFromAnError) {
    EXPECT_FALSE(stream_->peer_is_gone());
    ::close(std::exchange(other_end_, -1));
    EXPECT_TRUE(stream_->peer_is_gone());
    std::array<char, 8> buffer{};
    EXPECT_EQ(run(stream_->read_some({buffer.data(), buffer.size()})).error, asio::error::eof);
    std::array parts = {asio::const_buffer("x", 1)};
    EXPECT_TRUE(run(write_all(*stream_, parts)).error);
}

TEST_F(SocketStreamTest, CancelEndsAPendingRead) {
    std::array<char, 8> buffer{};
    auto outcome = asio::co_spawn(context_, stream_->read_some({buffer.data(), buffer.size()}), asio::use_future);
    context_.poll();
    stream_->cancel();
    context_.run();
    EXPECT_TRUE(outcome.get().error);
}

}  // namespace
}  // namespace sallyport::http
