#include "agent/http/connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/agent/http/harness.h"

namespace sallyport::http {
namespace {

using namespace testing_;

constexpr std::string_view Get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Connection, AnswersAndStaysOpen) {
    TestServer server(echo());
    RawClient client = server.connect();
    for (int i = 0; i < 3; ++i) {
        client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        const std::string answer = client.read_answer();
        EXPECT_EQ(status_of(answer), "HTTP/1.1 200 OK");
        EXPECT_EQ(body_of(answer), "POST /x hello");
        EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
        EXPECT_EQ(answer.find("Connection:"), std::string::npos);
    }
    EXPECT_EQ(server.server().counters().connections, 1U);
    EXPECT_EQ(server.server().counters().requests, 3U);
}

TEST(Connection, AnswersPipelinedRequestsInOrder) {
    TestServer server(echo());
    RawClient client = server.connect();
    std::string requests;
    for (int i = 0; i < 200; ++i) {
        requests += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    }
    client.send(requests);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(body_of(client.read_answer()), "POST /" + std::to_string(i) + " hi");
}

TEST(Connection, ReadsARequestThatComesByteByByte) {
    TestServer server(echo());
    RawClient client = server.connect();
    const std::string request =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (const char c : request) client.send({&c, 1});
    EXPECT_EQ(body_of(client.read_answer()), "POST /x abc");
}

TEST(Connection, ClosesWhenToldAndForHttp10) {
    TestServer server(echo());
    for (const std::string_view request :
         {"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"}) {
        RawClient client = server.connect();
        client.send(request);
        const auto answer = client.read_to_end();
        ASSERT_TRUE(answer);
        EXPECT_NE(answer->find("Connection: close\r\n"), std::string::npos);
    }
    RawClient client = server.connect();
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(client.read_answer().find("Connection: keep-alive"), std::string::npos);
    client.send(Get);
    EXPECT_EQ(body_of(client.read_answer()), "GET /a ");
}

TEST(Connection, AnswersAHalfClosedClient) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send(Get);
    client.half_close();
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(body_of(*answer), "GET /a ");
}

TEST(Connection, SaysTheLengthButSendsNoBodyForHead) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.read_answer(true).find("Content-Length: 8\r\n"), std::string::npos);
    client.send(Get);
    EXPECT_EQ(body_of(client.read_answer()), "GET /a ");
}

TEST(Connection, SendsNoBodyAndNoLengthWith204) {
    TestServer server([](Exchange& exchange) -> asio::awaitable<void> {
        ResponseHead head{204, {}};
        co_await exchange.respond(head, {});
    });
    RawClient client = server.connect();
    client.send(Get);
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_of(answer), "HTTP/1.1 204 No Content");
    EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
}

/// Each family of request smuggling and of broken framing: refused and closed, and what follows is never a request.
class BrokenRequest : public testing::TestWithParam<std::string> {};

TEST_P(BrokenRequest, IsRefusedAndTheConnectionCloses) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send(GetParam());
    client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    client.half_close();
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 400 ") || answer->starts_with("HTTP/1.1 501 ")) << *answer;
    EXPECT_NE(answer->find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(answer->find("HTTP/1.1 ", 9), std::string::npos) << *answer;
    EXPECT_EQ(server.server().counters().requests, 0U);
    EXPECT_EQ(server.server().counters().refused_requests, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, BrokenRequest,
    testing::Values("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0b chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 5\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\nhello",
                    "POST / HTTP/1.1\r\nHost: a\nContent-Length: 5\n\nhello",
                    "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
                    "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
                    "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"));

TEST(Connection, ForgivesOneEmptyLineBeforeARequest) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send("\r\n" + std::string(Get));
    EXPECT_EQ(body_of(client.read_answer()), "GET /a ");
}

TEST(Connection, RefusesAChunkThatIsBroken) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n");
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 500 ") || answer->empty()) << *answer;
    EXPECT_EQ(answer->find("HTTP/1.1 200"), std::string::npos);
}

TEST(Connection, RefusesAHeadThatIsTooLong) {
    ServerLimits limits;
    limits.header_bytes = 8192;
    TestServer server(echo(), limits);
    RawClient client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20000, 'x') + "\r\n\r\n");
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 431 ")) << *answer;
    RawClient other = server.connect();
    other.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(8000, 'x') + "\r\n\r\n");
    EXPECT_EQ(status_of(other.read_answer()), "HTTP/1.1 200 OK");
}

TEST(Connection, TruncatesABodyToTheLimitAsBarbicanDoes) {
    TestServer server(echo(4));
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
    EXPECT_EQ(body_of(client.read_answer()), "POST / 0123");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n0\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "POST / 0123");
    client.send(Get);
    EXPECT_EQ(body_of(client.read_answer()), "GET /a ");
}

TEST(Connection, ClosesOnABodyOverTheHardLimit) {
    ServerLimits limits;
    limits.body_bytes = 100;
    TestServer server(echo(), limits);
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 413 ")) << *answer;

    RawClient chunks = server.connect();
    chunks.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
                "\r\n0\r\n\r\n");
    answer = chunks.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->find("HTTP/1.1 200"), std::string::npos) << *answer;
}

TEST(Connection, ReadsALongBodyWhole) {
    TestServer server(echo(200'000));
    RawClient client = server.connect();
    const std::string body(150'000, 'b');
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n" + body);
    EXPECT_EQ(body_of(client.read_answer()), "POST / " + body);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n249f0\r\n" + body + "\r\n0\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "POST / " + body);
}

TEST(Connection, SaysContinueWhenTheBodyIsWanted) {
    TestServer server(echo());
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    EXPECT_EQ(body_of(client.read_answer()), "POST / hi");
}

TEST(Connection, ClosesWithoutContinueWhenTheBodyIsNotWanted) {
    TestServer server([](Exchange& exchange) -> asio::awaitable<void> {
        ResponseHead head{401, {}};
        co_await exchange.respond(head, {});
    });
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    client.half_close();
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 401 ")) << *answer;
    EXPECT_NE(answer->find("Connection: close"), std::string::npos);
}

TEST(Connection, SkipsASmallBodyThatNobodyRead) {
    TestServer server([](Exchange& exchange) -> asio::awaitable<void> {
        ResponseHead head{401, {}};
        co_await exchange.respond(head, bytes("no"));
    });
    RawClient client = server.connect();
    for (int i = 0; i < 2; ++i) {
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n1234567");
        EXPECT_EQ(status_of(client.read_answer()), "HTTP/1.1 401 Unauthorized");
    }
    EXPECT_EQ(server.server().counters().requests, 2U);
}

TEST(Connection, AnswersWholeToAClientThatStillSendsALongBody) {
    TestServer server(
        [](Exchange& exchange) -> asio::awaitable<void> {
            ResponseHead head{401, {}};
            co_await exchange.respond(head, bytes("no"));
        },
        {.body_bytes = 10'000'000});
    RawClient client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x'));
    client.half_close();
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("HTTP/1.1 401 ")) << *answer;
}

/// Streams the request's body back.
StreamHandler stream_back(std::optional<std::uint64_t> length) {
    return [length](Exchange& exchange) -> asio::awaitable<void> {
        ResponseHead head{200, {{"X-Kind", "stream"}}};
        auto begun = co_await exchange.write_head(head, length);
        std::vector<std::byte> buffer(1000);
        while (begun) {
            auto got = co_await exchange.read_body(buffer);
            if (!got) co_return;
            if (*got == 0) break;
            auto sent = co_await exchange.write_body(std::span(buffer).first(*got));
            if (!sent) co_return;
        }
        co_await exchange.finish();
    };
}

TEST(Connection, StreamsBothWays) {
    TestServer server(stream_back(150'000));
    RawClient client = server.connect();
    const std::string body(150'000, 's');
    for (int i = 0; i < 2; ++i) {
        // The client reads while it sends, or both ends would wait with full buffers.
        auto sender = std::async(std::launch::async, [&client, &body] {
            client.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n249f0\r\n" + body +
                        "\r\n0\r\n\r\n");
        });
        EXPECT_EQ(body_of(client.read_answer()), body);
        sender.get();
    }
}

TEST(Connection, ChunksAnAnswerOfUnknownLength) {
    TestServer server(stream_back(std::nullopt));
    RawClient client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    ASSERT_TRUE(client.read_until("0\r\n\r\n"));
    EXPECT_NE(client.received().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_NE(client.received().find("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), std::string::npos);

    RawClient old = server.connect();
    old.send("PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const auto answer = old.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(body_of(*answer), "hello");
}

TEST(Connection, ClosesWhenADoorPromisesMoreThanItSends) {
    TestServer server(stream_back(6));
    RawClient client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const auto answer = client.read_to_end();
    ASSERT_TRUE(answer);
    EXPECT_EQ(body_of(*answer), "hello");
}

TEST(Connection, Says500ForADoorThatThrowsOrForgetsToAnswer) {
    TestServer server([](Exchange& exchange) -> asio::awaitable<void> {
        if (exchange.request().target == "/throw") throw std::runtime_error("a fault of ours");
        co_return;
    });
    for (const std::string_view target : {"/throw", "/forget"}) {
        RawClient client = server.connect();
        client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        client.half_close();
        const auto answer = client.read_to_end();
        ASSERT_TRUE(answer);
        EXPECT_TRUE(answer->starts_with("HTTP/1.1 500 ")) << *answer;
    }
}

TEST(Connection, NoticesThatTheClientHasGone) {
    std::promise<bool> seen;
    TestServer server([&seen](Exchange& exchange) -> asio::awaitable<void> {
        // Answers flow until the client's closing comes back as a reset.
        const std::vector<std::byte> piece(100'000);
        ResponseHead head;
        auto sent = co_await exchange.write_head(head, std::nullopt);
        while (sent) sent = co_await exchange.write_body(piece);
        seen.set_value(exchange.client_is_gone() && sent.error().code == Code::Io);
    });
    {
        RawClient client = server.connect();
        client.send(Get);
        ASSERT_TRUE(client.read_until("200 OK"));
    }
    EXPECT_TRUE(seen.get_future().get());
}

TEST(Connection, GivesEveryRequestAnIdAndABaseUrl) {
    TestServer server([](Exchange& exchange) -> asio::awaitable<void> {
        const std::string text = exchange.request().request_id + " " + exchange.request().base_url;
        ResponseHead head;
        co_await exchange.respond(head, bytes(text));
    });
    RawClient client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: keys.example:9311\r\n\r\n");
    std::string body = body_of(client.read_answer());
    EXPECT_TRUE(body.starts_with("req-"));
    EXPECT_TRUE(body.ends_with(" http://keys.example:9311")) << body;
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Openstack-Request-Id: req-mine\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "req-mine http://a");
}

/// Slow clients of every kind are told or cut, and the server has its connection back.
TEST(Connection, CutsClientsThatAreTooSlow) {
    ServerLimits limits;
    limits.header_time = limits.body_time = limits.idle_time = std::chrono::milliseconds(40);
    TestServer server(echo(), limits);
    RawClient silent = server.connect();
    RawClient half_a_head = server.connect();
    half_a_head.send("GET / HTTP/1.1\r\nHost: a\r\n");
    RawClient half_a_body = server.connect();
    half_a_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT_EQ(silent.read_to_end(), "");
    ASSERT_TRUE(half_a_head.read_to_end());
    ASSERT_TRUE(half_a_body.read_to_end());
}

TEST(Connection, ATrickleOfHeaderBytesDoesNotMoveTheDeadline) {
    ServerLimits limits;
    limits.header_time = std::chrono::milliseconds(60);
    TestServer server(echo(), limits);
    RawClient client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    auto ended = std::async(std::launch::async, [&client] { return client.read_to_end().has_value(); });
    while (ended.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) client.send("X: y\r\n");
    EXPECT_TRUE(ended.get());
}

TEST(Connection, CutsAClientThatDoesNotReadItsAnswer) {
    ServerLimits limits;
    limits.write_time = std::chrono::milliseconds(40);
    std::promise<Code> outcome;
    TestServer server(
        [&outcome](Exchange& exchange) -> asio::awaitable<void> {
            const std::vector<std::byte> piece(1'000'000);
            ResponseHead head;
            auto sent = co_await exchange.write_head(head, std::nullopt);
            while (sent) sent = co_await exchange.write_body(piece);
            outcome.set_value(sent.error().code);
        },
        limits);
    RawClient client = server.connect();
    client.send(Get);
    EXPECT_EQ(outcome.get_future().get(), Code::Unavailable);
}

}  // namespace
}  // namespace sallyport::http
