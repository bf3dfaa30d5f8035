#include "agent/http/parser.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"

namespace sallyport::http {
namespace {

Result<Framing> parse(std::string_view head, api::Request& request) {
    MessageParser parser(MessageParser::Role::Server);
    return parser.parse_request_head(head, request);
}

Code refusal_of(std::string_view head) {
    api::Request request;
    const auto framing = parse(head, request);
    return framing ? Code::Internal : framing.error().code;
}

TEST(ScanHead, FindsTheBlankLineWhereverTheBytesAreCut) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < head.size(); ++cut) {
        std::size_t scanned = 0;
        EXPECT_EQ(scan_head(std::string_view(head).substr(0, cut), scanned).state, HeadScan::State::NeedMore) << cut;
        const HeadScan scan = scan_head(head + "body", scanned);
        EXPECT_EQ(scan.state, HeadScan::State::Complete);
        EXPECT_EQ(scan.length, head.size());
    }
}

TEST(ScanHead, RefusesBareLineEndsAndFolding) {
    for (const std::string_view head :
         {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
          "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n"}) {
        std::size_t scanned = 0;
        EXPECT_EQ(scan_head(head, scanned).state, HeadScan::State::Broken) << head;
    }
}

TEST(MessageParser, ReadsMethodTargetAndHeadersInOrder) {
    api::Request request;
    const auto framing = parse(
        "POST /v1/secrets?limit=2 HTTP/1.1\r\nHost: keys:9311\r\nX-Roles: a\r\nx-roles: b\r\nContent-Length: "
        "12\r\n\r\n",
        request);
    ASSERT_TRUE(framing) << framing.error().message;
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/v1/secrets?limit=2");
    ASSERT_EQ(request.headers.size(), 4U);
    EXPECT_EQ(request.headers[1], api::Header("X-Roles", "a"));
    EXPECT_EQ(request.headers[2], api::Header("x-roles", "b"));
    EXPECT_EQ(framing->length, 12U);
    EXPECT_TRUE(framing->keep_alive);
    EXPECT_FALSE(framing->chunked);
}

TEST(MessageParser, KnowsWhenAConnectionStaysOpen) {
    api::Request request;
    EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", request).value().keep_alive);
    EXPECT_FALSE(parse("GET / HTTP/1.0\r\nHost: a\r\n\r\n", request).value().keep_alive);
    EXPECT_TRUE(parse("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", request).value().keep_alive);
}

TEST(MessageParser, ReducesAnAbsoluteTargetAndTakesItsHost) {
    api::Request request;
    ASSERT_TRUE(parse("GET http://other:1/v1/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n", request));
    EXPECT_EQ(request.target, "/v1/x?y=1");
    EXPECT_EQ(request.headers[0].second, "other:1");
    ASSERT_TRUE(parse("GET http://other HTTP/1.1\r\nHost: a\r\n\r\n", request));
    EXPECT_EQ(request.target, "/");
}

TEST(MessageParser, RefusesEveryWayToSaySmuggledLengths) {
    for (const std::string_view fields : {"Content-Length: 5\r\nContent-Length: 6\r\n",
                                          "Content-Length: 5\r\nContent-Length: 5\r\n",
                                          "Content-Length: 5, 5\r\n",
                                          "Content-Length: 5,6\r\n",
                                          "Content-Length: +5\r\n",
                                          "Content-Length: -5\r\n",
                                          "Content-Length: 0x5\r\n",
                                          "Content-Length: \r\n",
                                          "Content-Length: 5 6\r\n",
                                          "Content-Length: 99999999999999999999\r\n",
                                          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                          "Content-Length : 5\r\n",
                                          "Transfer-Encoding : chunked\r\n",
                                          " Content-Length: 5\r\n",
                                          "Content\x01-Length: 5\r\n",
                                          ": 5\r\n",
                                          "Content-Length\r\n",
                                          "Content(Length: 5\r\n"}) {
        EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"), Code::InvalidInput)
            << fields;
    }
}

TEST(MessageParser, RefusesTransferCodingsThatItDoesNotSpeak) {
    for (const std::string_view coding : {"gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunked;q=1",
                                          "identity", "\"chunked\"", "chunked chunked", ""}) {
        const Code code =
            refusal_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n");
        EXPECT_TRUE(code == Code::Refused || code == Code::InvalidInput) << coding;
    }
    EXPECT_EQ(refusal_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), Code::InvalidInput);
}

TEST(MessageParser, WantsOneHostThatIsOne) {
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\n"), Code::InvalidInput);
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Code::InvalidInput);
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n"), Code::InvalidInput);
    api::Request request;
    EXPECT_TRUE(parse("GET / HTTP/1.0\r\n\r\n", request));
}

TEST(MessageParser, RefusesBrokenRequestLines) {
    for (const std::string_view line :
         {"GET  / HTTP/1.1", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.1 x", "G(T / HTTP/1.1", "/ HTTP/1.1",
          "GET / http/1.1", "GET relative HTTP/1.1", "GET ftp://host/ HTTP/1.1", "GET / \x01HTTP/1.1", "* * HTTP/1.1",
          " GET / HTTP/1.1"}) {
        EXPECT_EQ(refusal_of(std::string(line) + "\r\nHost: a\r\n\r\n"), Code::InvalidInput) << line;
    }
}

TEST(MessageParser, RefusesControlCharactersInValues) {
    using namespace std::string_literals;
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s), Code::InvalidInput);
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n"s), Code::InvalidInput);
}

TEST(MessageParser, BoundsTheNumberOfHeaders) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 200; ++i) head += "X: y\r\n";
    EXPECT_EQ(refusal_of(head + "\r\n"), Code::TooLarge);
}

/// Decodes `raw`, given to the parser `step` bytes more at a time, into pieces of `room` bytes.
Result<std::string> decode(std::string_view raw, std::size_t step, std::size_t room) {
    MessageParser parser(MessageParser::Role::Server);
    api::Request request;
    if (!parser.parse_request_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", request)) {
        return Error{Code::Internal, "head", {}};
    }
    std::string body;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<std::byte> into(room);
    while (end < raw.size()) {
        end = std::min(raw.size(), end + step);
        for (;;) {
            const auto here = bytes_of(raw.substr(begin, end - begin));
            const ChunkProgress progress = TRY(parser.parse_chunked(here, into));
            body += text_of(std::span(into).first(progress.produced));
            begin += progress.consumed;
            if (progress.done)
                return begin == raw.size() ? body : Result<std::string>(Error{Code::Conflict, "rest", {}});
            if (progress.consumed == 0 && progress.produced == 0) break;
        }
    }
    return Error{Code::NotFound, "no end", {}};
}

TEST(MessageParser, DecodesChunksWhereverTheyAreCut) {
    const std::string raw = "5;name=\"v\"\r\nhello\r\n1\r\n \r\n00A\r\nbig world!\r\n0;last\r\nTrailer: x\r\n\r\n";
    for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
        for (const std::size_t room : {1U, 4U, 1000U}) {
            const auto body = decode(raw, step, room);
            ASSERT_TRUE(body) << body.error().message << " step " << step << " room " << room;
            EXPECT_EQ(*body, "hello big world!");
        }
    }
}

TEST(MessageParser, DecodesAnEmptyChunkedBodyByteByByte) {
    const auto body = decode("0\r\n\r\n", 1, 100);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(*body, "");
}

TEST(MessageParser, RefusesBrokenChunks) {
    for (const std::string_view raw :
         {"x\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
          "0x5\r\nhello\r\n0\r\n\r\n", "5 5\r\nhello\r\n0\r\n\r\n", "10000000000000000\r\nhello\r\n0\r\n\r\n",
          "5;a\nb\r\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n",
          "5;=\r\nhello\r\n0\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        for (const std::size_t step : {1U, 1000U}) {
            const auto body = decode(raw, step, 100);
            ASSERT_FALSE(body) << raw;
            EXPECT_EQ(body.error().code, Code::InvalidInput) << raw;
        }
    }
}

TEST(MessageParser, ReadsResponses) {
    MessageParser parser(MessageParser::Role::Client);
    api::Response response;
    auto framing = parser.parse_response_head("HTTP/1.1 201 Created\r\nContent-Length: 3\r\nX-Subject-Token: t\r\n\r\n",
                                              false, response);
    ASSERT_TRUE(framing);
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(framing->length, 3U);
    framing = parser.parse_response_head("HTTP/1.1 204 No Content\r\n\r\n", false, response);
    ASSERT_TRUE(framing);
    EXPECT_FALSE(framing->has_body());
    framing = parser.parse_response_head("HTTP/1.0 200 OK\r\n\r\n", false, response);
    ASSERT_TRUE(framing);
    EXPECT_TRUE(framing->until_close);
    EXPECT_FALSE(framing->keep_alive);
    framing = parser.parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, response);
    ASSERT_TRUE(framing);
    EXPECT_FALSE(framing->has_body());
}

TEST(MessageParser, RefusesResponsesWithTwoLengths) {
    MessageParser parser(MessageParser::Role::Client);
    api::Response response;
    EXPECT_FALSE(parser.parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", false,
                                            response));
    EXPECT_FALSE(parser.parse_response_head("nonsense\r\n\r\n", false, response));
}

}  // namespace
}  // namespace sallyport::http
