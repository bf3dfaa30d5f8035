#include "agent/http/stream_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/agent/http/harness.h"
#include "tests/unit/agent/http/scripted_server.h"

namespace sallyport::http {
namespace {

using namespace testing_;

Endpoint endpoint_at(std::uint16_t port) {
    return Endpoint::parse("http://127.0.0.1:" + std::to_string(port) + "/base").value();
}

api::Request request_of(std::string method) {
    api::Request request;
    request.method = std::move(method);
    request.target = "/o";
    request.headers.emplace_back("X-Mark", "seen");
    return request;
}

/// How a call went.
struct Outcome {
    std::optional<Code> failed;  ///< the first error, whatever step it came at
    bool answered_early = false;
    int status = 0;
    std::optional<std::uint64_t> length;
    std::string body;
};

struct Body {
    std::string bytes;
    BodyMark mark;
    bool ask_first = false;
};

asio::awaitable<void> read_answer(StreamCall& call, Outcome& outcome) {
    std::vector<std::byte> piece(10'000);
    for (;;) {
        const Result<std::size_t> read = co_await call.read(piece);
        if (!read) outcome.failed = read.error().code;
        if (!read || *read == 0) co_return;
        outcome.body.append(text_of(std::span(piece).first(*read)));
    }
}

asio::awaitable<Outcome> exchange(StreamClient& client, const api::Request& request, const Body* body) {
    Outcome outcome;
    std::optional<BodyMark> mark;
    if (body != nullptr) mark = body->mark;
    const bool asks = body != nullptr && body->ask_first;
    auto call = co_await client.start(request, mark, asks);
    if (!call) {
        outcome.failed = call.error().code;
        co_return outcome;
    }
    std::string_view left = body == nullptr ? std::string_view() : std::string_view(body->bytes);
    outcome.answered_early = (*call)->is_answered();
    while (!left.empty()) {
        const std::string_view piece = left.substr(0, 7'777);
        const Result<void> written = co_await (*call)->write(bytes_of(piece));
        if (!written) {
            outcome.failed = written.error().code;
            co_return outcome;
        }
        left.remove_prefix(piece.size());
    }
    const Result<ResponseHead> head = co_await (*call)->finish();
    if (!head) {
        outcome.failed = head.error().code;
        co_return outcome;
    }
    outcome.status = head->status;
    outcome.length = (*call)->length();
    co_await read_answer(**call, outcome);
    co_return outcome;
}

class StreamClientTest : public testing::Test {
protected:
    StreamClientTest() { edge_.start(); }

    Outcome run(StreamClient& client, const std::string& method, const Body* body = nullptr) {
        const api::Request request = request_of(method);
        return asio::co_spawn(edge_.context(0), exchange(client, request, body), asio::use_future).get();
    }

    lanes::EdgeThreads edge_{{.loops = 1}};
};

/// Sends back what it gets, as it gets it: chunked if that came chunked.
asio::awaitable<void> mirror(Exchange& exchange) {
    const bool marked = exchange.request().target == "/base/o" && find_header(exchange.request().headers, "x-mark");
    const ResponseHead head{marked ? 200 : 400, {}};
    co_await exchange.write_head(head, exchange.has_body() ? exchange.body_length() : 0);
    std::vector<std::byte> piece(5'000);
    for (;;) {
        const Result<std::size_t> read = co_await exchange.read_body(piece);
        if (!read) co_return;
        if (*read == 0) break;
        const Result<void> written = co_await exchange.write_body(std::span(piece).first(*read));
        if (!written) co_return;
    }
    co_await exchange.finish();
}

/// Takes the body, then says "ok".
asio::awaitable<void> swallow(Exchange& exchange) {
    std::vector<std::byte> piece(5'000);
    for (;;) {
        const Result<std::size_t> read = co_await exchange.read_body(piece);
        if (!read) co_return;
        if (*read == 0) break;
    }
    const ResponseHead head{201, {}};
    co_await exchange.respond(head, bytes("ok"));
}

TEST_F(StreamClientTest, StreamsBodiesOfKnownAndOfUnknownLength) {
    TestServer server(&swallow);
    StreamClient client(endpoint_at(server.port()));
    const std::string large(500'000, 'x');
    for (const bool asks : {false, true}) {
        const Body known{large, {.length = large.size(), .chunked = false}, asks};
        const Outcome sized = run(client, "PUT", &known);
        EXPECT_EQ(sized.status, 201);
        EXPECT_EQ(sized.body, "ok");
        EXPECT_EQ(sized.length, 2U);
        const Body unknown{large, {.length = {}, .chunked = true}, asks};
        EXPECT_EQ(run(client, "PUT", &unknown).status, 201);
    }
    EXPECT_EQ(server.server().counters().connections, 1U);  // one was enough for all four
}

TEST_F(StreamClientTest, GivesTheAnswersBodyAsItCame) {
    TestServer server(&mirror);
    StreamClient client(endpoint_at(server.port()));
    std::string text;
    while (text.size() < 30'000) text += std::to_string(text.size()) + " ";
    const Body sized{text, {.length = text.size(), .chunked = false}};
    const Outcome known = run(client, "POST", &sized);
    EXPECT_EQ(known.status, 200);
    EXPECT_EQ(known.length, text.size());
    EXPECT_TRUE(known.body == text);
    const Body chunked{text, {.length = {}, .chunked = true}};
    const Outcome unknown = run(client, "POST", &chunked);
    EXPECT_EQ(unknown.length, std::nullopt);
    EXPECT_TRUE(unknown.body == text);
    const Outcome none = run(client, "GET");
    EXPECT_EQ(none.status, 200);
    EXPECT_EQ(none.body, "");
}

TEST_F(StreamClientTest, HearsOfARefusalBeforeTheBodyGoes) {
    std::atomic<std::uint64_t> taken = 0;
    TestServer server([&taken](Exchange& exchange) -> asio::awaitable<void> {
        const ResponseHead head{413, {}};
        co_await exchange.respond(head, bytes("too much"));
        taken += 1;
    });
    StreamClient client(endpoint_at(server.port()));
    const Body body{std::string(1'000'000, 'x'), {.length = 1'000'000, .chunked = false}, true};
    const Outcome refused = run(client, "PUT", &body);
    EXPECT_TRUE(refused.answered_early);
    EXPECT_EQ(refused.status, 413);
    EXPECT_EQ(refused.body, "too much");
    EXPECT_EQ(run(client, "GET").status, 413);
    EXPECT_EQ(taken, 2U);
}

TEST_F(StreamClientTest, ReplacesAKeptConnectionThatTheServerHasClosed) {
    const ScriptedServer server(
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"});
    StreamClient client(server.endpoint());
    EXPECT_EQ(run(client, "GET").body, "a");
    EXPECT_EQ(run(client, "GET").body, "b");
}

TEST_F(StreamClientTest, TellsAServerThatIsLostFromOneThatSpeaksNoHttp) {
    const auto failure_of = [this](const std::string& answer) {
        const ScriptedServer server({answer});
        StreamClient client(server.endpoint());
        return run(client, "GET").failed;
    };
    EXPECT_EQ(failure_of(""), Code::Unavailable);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Le"), Code::Unavailable);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"), Code::Unavailable);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), Code::Unavailable);
    EXPECT_EQ(failure_of("220 mail.example.com ESMTP\r\n\r\n"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n"), Code::Corrupt);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), std::nullopt);
}

TEST_F(StreamClientTest, SaysSoIfNobodyListens) {
    std::uint16_t port = 0;
    {
        TestServer gone(&swallow);
        port = gone.port();
    }
    StreamClient client(endpoint_at(port));
    EXPECT_EQ(run(client, "GET").failed, Code::Unavailable);
}

TEST_F(StreamClientTest, GivesUpOnAServerThatStalls) {
    const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"}, true);
    StreamClientConfig config;
    config.io_time = std::chrono::milliseconds(100);
    StreamClient client(server.endpoint(), config);
    EXPECT_EQ(run(client, "GET").failed, Code::Unavailable);
}

TEST_F(StreamClientTest, ACallThatIsDroppedLeavesTheServerWithABodyThatBreaksOff) {
    std::promise<bool> whole;
    TestServer server([&whole](Exchange& exchange) -> asio::awaitable<void> {
        std::vector<std::byte> piece(1'000);
        for (;;) {
            const Result<std::size_t> read = co_await exchange.read_body(piece);
            if (read && *read > 0) continue;
            whole.set_value(read.has_value());
            co_return;
        }
    });
    StreamClient client(endpoint_at(server.port()));
    const auto drop = [](StreamClient& on, const api::Request& request) -> asio::awaitable<bool> {
        const std::optional<BodyMark> mark = BodyMark{.length = 1'000'000, .chunked = false};
        const auto call = co_await on.start(request, mark, false);
        if (!call) co_return false;
        const Result<void> written = co_await (*call)->write(bytes("the beginning"));
        co_return written.has_value();
    };
    const api::Request request = request_of("PUT");
    EXPECT_TRUE(asio::co_spawn(edge_.context(0), drop(client, request), asio::use_future).get());
    EXPECT_FALSE(whole.get_future().get());
}

}  // namespace
}  // namespace sallyport::http
