#include "agent/http/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/unit/agent/http/harness.h"
#include "tests/unit/agent/http/scripted_server.h"

namespace sallyport::http {
namespace {

using namespace testing_;
using namespace std::chrono_literals;

api::Request get(std::string target) {
    api::Request request;
    request.method = "GET";
    request.target = std::move(target);
    return request;
}

/// One call on a running loop.
Result<api::Response> fetch_on(lanes::EdgeThreads& edge, Client& client, const api::Request& request) {
    const auto call = [](Client& on,
                         const api::Request& asked) -> asio::awaitable<std::optional<Result<api::Response>>> {
        auto answer = co_await on.fetch(asked, 10s);
        co_return std::optional<Result<api::Response>>(std::move(answer));
    };
    auto answer = asio::co_spawn(edge.context(0), call(client, request), asio::use_future).get();
    return std::move(*answer);
}

std::string text_of_body(const Result<api::Response>& response) {
    return response ? std::string(text_of(response->body.reveal())) : response.error().message;
}

Code failure_of(const std::string& answer, const ClientConfig& config = {}) {
    const ScriptedServer server({answer});
    const auto response = fetch_blocking(server.endpoint(), get("/"), 10s, config);
    return response ? Code::Internal : response.error().code;
}

TEST(Endpoint, ReadsUrls) {
    Endpoint endpoint = Endpoint::parse("http://keystone:5000/v3/").value();
    EXPECT_EQ(endpoint.transport, Transport::Tcp);
    EXPECT_EQ(endpoint.host, "keystone");
    EXPECT_EQ(endpoint.port, 5000);
    EXPECT_EQ(endpoint.path_prefix, "/v3");
    endpoint = Endpoint::parse("https://[::1]").value();
    EXPECT_EQ(endpoint.transport, Transport::Tls);
    EXPECT_EQ(endpoint.host, "::1");
    EXPECT_EQ(endpoint.port, 443);
    endpoint = Endpoint::parse("unix:///run/sallyport/agent.sock").value();
    EXPECT_EQ(endpoint.transport, Transport::Unix);
    EXPECT_EQ(endpoint.host, "/run/sallyport/agent.sock");
    for (const std::string_view url : {"", "ftp://a", "http://", "http://:80", "http://a:x", "http://a:99999",
                                       "http://[::1", "unix://relative", "http://user@a", "http://a:80x"}) {
        EXPECT_FALSE(Endpoint::parse(url)) << url;
    }
}

TEST(Client, AsksOverTcpAndUnixSockets) {
    TestServer server(echo());
    const TemporaryFolder folder;
    lanes::EdgeThreads edge({.loops = 1});
    edge.start();
    Server local(edge, {.name = "local", .host_href = {}, .limits = {}}, echo());
    ASSERT_TRUE(local.listen(UnixListen{folder / "s", 0600}));
    local.start();
    const Endpoint tcp = Endpoint::parse("http://127.0.0.1:" + std::to_string(server.port()) + "/v3").value();
    EXPECT_EQ(text_of_body(fetch_blocking(tcp, get("/a"), 10s)), "GET /v3/a ");
    const Endpoint unix_socket = Endpoint::parse("unix://" + (folder / "s")).value();
    EXPECT_EQ(text_of_body(fetch_blocking(unix_socket, get("/a"), 10s)), "GET /a ");
}

TEST(Client, KeepsItsConnection) {
    TestServer server(echo());
    lanes::EdgeThreads edge({.loops = 1});
    edge.start();
    Client client(Endpoint::parse("http://127.0.0.1:" + std::to_string(server.port())).value());
    for (int i = 0; i < 5; ++i) {
        const api::Request request = get("/" + std::to_string(i));
        auto answer = fetch_on(edge, client, request);
        EXPECT_EQ(text_of_body(answer), "GET /" + std::to_string(i) + " ");
    }
    EXPECT_EQ(server.server().counters().connections, 1U);
    edge.stop();
}

TEST(Client, ReplacesAKeptConnectionThatTheServerClosed) {
    lanes::EdgeThreads edge({.loops = 1});
    edge.start();
    const ScriptedServer server(
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"});
    Client client(server.endpoint());
    const api::Request request = get("/");
    for (const std::string_view expected : {"one", "two"}) {
        auto answer = fetch_on(edge, client, request);
        EXPECT_EQ(text_of_body(answer), expected);
    }
    edge.stop();
}

TEST(Client, ReadsEveryKindOfBody) {
    const ScriptedServer server(
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.1 204 No Content\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"});
    EXPECT_EQ(text_of_body(fetch_blocking(server.endpoint(), get("/"), 10s)), "abcde");
    EXPECT_EQ(text_of_body(fetch_blocking(server.endpoint(), get("/"), 10s)), "until the end");
    EXPECT_EQ(text_of_body(fetch_blocking(server.endpoint(), get("/"), 10s)), "");
    const auto missing = fetch_blocking(server.endpoint(), get("/"), 10s);
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->status, 404);
    EXPECT_EQ(text_of_body(missing), "none");
}

TEST(Client, RefusesAnswersThatAreBrokenOrCutOrTooLong) {
    EXPECT_EQ(failure_of("nonsense\r\n\r\n"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nabc"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), Code::Unavailable);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), Code::Unavailable);
    EXPECT_EQ(failure_of(""), Code::Unavailable);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", {.response_bytes = 100}), Code::TooLarge);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), {.response_bytes = 100}), Code::TooLarge);
}

TEST(Client, GivesUpOnAServerThatDoesNotAnswerInTime) {
    const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}, true);
    const auto response = fetch_blocking(server.endpoint(), get("/"), 50ms);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Unavailable);
    EXPECT_NE(response.error().message.find("in time"), std::string::npos);
}

TEST(Client, SaysWhatItCannotReach) {
    const TemporaryFolder folder;
    const auto nobody = fetch_blocking(Endpoint::parse("unix://" + (folder / "absent")).value(), get("/"), 5s);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, Code::Unavailable);
    EXPECT_NE(nobody.error().message.find("absent"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::http
