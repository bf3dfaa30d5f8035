#include "agent/http/server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>

#include "tests/unit/agent/http/harness.h"

namespace sallyport::http {
namespace {

using namespace testing_;
using namespace std::chrono_literals;

constexpr std::string_view Get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

/// A door whose requests wait until the test lets them go on.
class HeldDoor {
public:
    StreamHandler handler() {
        return [this](Exchange& exchange) -> asio::awaitable<void> {
            arrived_.set_value();
            asio::steady_timer poll(co_await asio::this_coro::executor);
            while (!released_) {
                poll.expires_after(1ms);
                co_await poll.async_wait(asio::use_awaitable);
            }
            ResponseHead head;
            co_await exchange.respond(head, bytes("held"));
        };
    }
    void wait_for_request() { arrived_.get_future().get(); }
    void release() { released_ = true; }

private:
    std::promise<void> arrived_;
    std::atomic<bool> released_{false};
};

TEST(Server, ListensOnAUnixSocketOfTheModeThatWasAsked) {
    const TemporaryFolder folder;
    lanes::EdgeThreads edge({.loops = 2});
    edge.start();
    Server server(edge, {.name = "test", .host_href = "https://keys", .limits = {}},
                  [](Exchange& exchange) -> asio::awaitable<void> {
                      const auto& who = exchange.peer().credentials;
                      const std::string text = exchange.peer().transport == Transport::Unix && who
                                                   ? std::to_string(who->uid) + " " + std::to_string(who->pid) + " " +
                                                         exchange.request().base_url
                                                   : "unknown";
                      ResponseHead head;
                      co_await exchange.respond(head, bytes(text));
                  });
    ASSERT_TRUE(server.listen(UnixListen{folder / "agent.sock", 0600}));
    server.start();
    struct stat status {};
    ASSERT_EQ(::stat((folder / "agent.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    for (int i = 0; i < 4; ++i) {
        RawClient client = RawClient::unix(folder / "agent.sock");
        client.send(Get);
        EXPECT_EQ(body_of(client.read_answer()),
                  std::to_string(::getuid()) + " " + std::to_string(::getpid()) + " https://keys");
    }
    EXPECT_TRUE(server.stop(5s));
    EXPECT_NE(::stat((folder / "agent.sock").c_str(), &status), 0);
}

TEST(Server, ReplacesAStaleSocketButNotALiveOneNorAFile) {
    const TemporaryFolder folder;
    const std::string path = folder / "agent.sock";
    lanes::EdgeThreads edge({.loops = 1});
    edge.start();
    {
        // A process that was killed leaves its socket file behind.
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ::close(fd);
    }
    Server first(edge, {.name = "first", .host_href = {}, .limits = {}}, echo());
    ASSERT_TRUE(first.listen(UnixListen{path, 0600}));
    Server second(edge, {.name = "second", .host_href = {}, .limits = {}}, echo());
    const auto refused = second.listen(UnixListen{path, 0600});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    std::ofstream(folder / "file") << "precious";
    const auto no_socket = second.listen(UnixListen{folder / "file", 0600});
    ASSERT_FALSE(no_socket);
    EXPECT_EQ(no_socket.error().code, Code::Conflict);
}

TEST(Server, RefusesAPortThatIsTaken) {
    TestServer server(echo());
    lanes::EdgeThreads edge({.loops = 1});
    Server second(edge, {.name = "second", .host_href = {}, .limits = {}}, echo());
    const auto refused = second.listen(TcpListen{"127.0.0.1", server.port(), {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
}

TEST(Server, RefusesAddressesThatMakeNoSense) {
    lanes::EdgeThreads edge({.loops = 1});
    Server server(edge, {.name = "test", .host_href = {}, .limits = {}}, echo());
    EXPECT_FALSE(server.listen(TcpListen{"not an address", 0, {}}));
    EXPECT_FALSE(server.listen(UnixListen{std::string(200, 'x'), 0600}));
    EXPECT_FALSE(server.listen(UnixListen{"", 0600}));
}

TEST(Server, ServesManyConnectionsOnSeveralLoops) {
    TestServer server(echo(), {}, {}, 3);
    std::vector<std::thread> clients;
    std::atomic<int> good{0};
    for (int c = 0; c < 8; ++c) {
        clients.emplace_back([&server, &good, c] {
            RawClient client = server.connect();
            for (int i = 0; i < 50; ++i) {
                const std::string target = "/" + std::to_string(c) + "/" + std::to_string(i);
                client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
                if (body_of(client.read_answer()) == "GET " + target + " ") ++good;
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(good, 400);
}

TEST(Server, TakesNoMoreConnectionsThanAllowedAtOnce) {
    ServerLimits limits;
    limits.connections = 2;
    TestServer server(echo(), limits);
    {
        RawClient first = server.connect();
        RawClient second = server.connect();
        for (RawClient* client : {&first, &second}) {
            client->send(Get);
            EXPECT_EQ(body_of(client->read_answer()), "GET /a ");
        }
        RawClient third = server.connect();
        third.send(Get);
        EXPECT_EQ(server.server().counters().connections, 2U);
    }
    RawClient later = server.connect();
    later.send(Get);
    EXPECT_EQ(body_of(later.read_answer()), "GET /a ");
}

TEST(Server, StopClosesIdleConnectionsAndTakesNoNewOnes) {
    TestServer server(echo());
    RawClient idle = server.connect();
    idle.send(Get);
    idle.read_answer();
    EXPECT_TRUE(server.server().stop(5s));
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_EQ(server.server().counters().open_connections, 0U);
}

TEST(Server, StopAnswersWhatIsInFlightAndSaysClose) {
    HeldDoor door;
    TestServer server(door.handler());
    RawClient client = server.connect();
    client.send(Get);
    door.wait_for_request();
    auto stopped = std::async(std::launch::async, [&server] { return server.server().stop(10s); });
    door.release();
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(body_of(*answer), "held");
    EXPECT_TRUE(stopped.get());
}

TEST(Server, StopCutsWhatDoesNotEndInTime) {
    HeldDoor door;
    TestServer server(door.handler());
    RawClient client = server.connect();
    client.send(Get);
    door.wait_for_request();
    EXPECT_FALSE(server.server().stop(10ms));
    EXPECT_EQ(client.read_to_end(), "");
    door.release();
}

}  // namespace
}  // namespace sallyport::http
