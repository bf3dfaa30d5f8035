#include "integrations/object/filter.h"

#include <gtest/gtest.h>

#include "integrations/object/names.h"
#include "swift_vectors.h"

namespace sallyport::object {
namespace {

using vectors::Reply;

RootSecrets secret_of(std::byte fill, const std::string& id = "") {
    SecureBytes secret = *SecureBytes::of_size(32);
    for (std::byte& b : secret.writable()) b = fill;
    std::vector<RootSecrets::Entry> entries;
    entries.push_back({id, std::move(secret)});
    return *RootSecrets::create(std::move(entries), id);
}

class Filter : public testing::Test {
protected:
    Reply ask(const RootSecrets& secrets, const std::string& method, Headers headers = {}, std::string_view body = "") {
        return vectors::send(*store_, secrets, system_random(), {method, "/v1/a/c/o", std::move(headers), body.size()},
                             body);
    }
    vectors::TemporaryStore store_;
    RootSecrets ours_ = secret_of(std::byte{1});
    RootSecrets others_ = secret_of(std::byte{2});
};

// Swift answers 416 with headers that it decrypted with the wrong keys.
TEST_F(Filter, UnsealsTheHeadersOf416WithTheKeysOfTheObject) {
    std::vector<RootSecrets::Entry> entries;
    entries.push_back({"old", *ours_.find("")->clone()});
    entries.push_back({"new", *others_.find("")->clone()});
    auto before = RootSecrets::create(std::move(entries), "old");
    std::vector<RootSecrets::Entry> again;
    again.push_back({"old", *ours_.find("")->clone()});
    again.push_back({"new", *others_.find("")->clone()});
    auto after = RootSecrets::create(std::move(again), "new");
    ask(*before, "PUT", {{"X-Object-Meta-K", "v"}}, "hello");
    const Reply reply = ask(*after, "GET", {{"Range", "bytes=99-"}});
    EXPECT_EQ(reply.status, 416);
    EXPECT_EQ(reply.header("Etag"), "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(reply.header("X-Object-Meta-K"), "v");
}

TEST_F(Filter, NeverSendsGarbageHeaders) {
    ask(ours_, "PUT", {{"X-Object-Meta-K", "v"}}, "hello");
    for (const char* method : {"GET", "HEAD"}) {
        const Reply reply = ask(others_, method);
        EXPECT_EQ(reply.status, 500);
        EXPECT_FALSE(reply.headers.has("Etag"));
        EXPECT_FALSE(reply.headers.has("X-Object-Meta-K"));
    }
}

TEST_F(Filter, DropsCryptoHeadersOfTheClient) {
    ask(ours_, "PUT", {{std::string(BodyMeta), "forged"}, {"x-object-transient-sysmeta-crypto-meta-k", "forged"}});
    const Reply raw = vectors::send_raw(*store_, {"HEAD", "/v1/a/c/o", {}, {}});
    EXPECT_FALSE(raw.headers.has(BodyMeta));
    EXPECT_FALSE(raw.headers.has("X-Object-Transient-Sysmeta-Crypto-Meta-K"));
}

TEST_F(Filter, LeavesTheListingsEtagSealedWhereNobodyNeedsIt) {
    ObjectFilter put(ours_, system_random());
    RequestHead request{"PUT", "/v1/a/c/o", {}, 5};
    ASSERT_FALSE(put.on_request_head(request));
    std::string body = "hello";
    ASSERT_TRUE(put.on_request_body(std::as_writable_bytes(std::span(body))));
    const Headers stored = std::get<Headers>(put.on_request_end());
    const auto shown = [&](bool unseals) {
        ObjectFilter get(ours_, system_random(), {.unseal_listing_etag = unseals});
        RequestHead asked{"GET", "/v1/a/c/o", {}, {}};
        EXPECT_FALSE(get.on_request_head(asked));
        ResponseHead response{200, stored};
        EXPECT_FALSE(get.on_response_head(response));
        EXPECT_EQ(response.headers.value_or("Etag", ""), "5d41402abc4b2a76b9719d911017c592");
        return response.headers.value_or(ListingEtag, "");
    };
    EXPECT_EQ(shown(true), "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(shown(false), stored.value_or(ListingEtag, ""));
}

TEST_F(Filter, StoresNoByteOfThePlaintext) {
    const std::string secret_text = "the quick brown fox jumps over the lazy dog";
    ask(ours_, "PUT", {{"X-Object-Meta-Story", secret_text}}, secret_text);
    const Reply raw = vectors::send_raw(*store_, {"GET", "/v1/a/c/o", {}, {}});
    EXPECT_EQ(raw.body.find("quick"), std::string::npos);
    for (const auto& [name, value] : raw.headers) EXPECT_EQ(value.find("quick"), std::string::npos) << name;
    EXPECT_EQ(ask(ours_, "GET").body, secret_text);
    EXPECT_EQ(ask(ours_, "GET").header("X-Object-Meta-Story"), secret_text);
}

TEST_F(Filter, RefusesTheBodyThatTheClientDidNotMean) {
    EXPECT_EQ(ask(ours_, "PUT", {{"Etag", "5d41402abc4b2a76b9719d911017c592"}}, "hello!").status, 422);
    EXPECT_EQ(ask(ours_, "GET").status, 404);
    EXPECT_EQ(ask(ours_, "PUT", {{"Etag", "5d41402abc4b2a76b9719d911017c592"}}, "hello").status, 201);
}

TEST_F(Filter, RefusesMetadataOverTheLimitBeforeTheyGrow) {
    EXPECT_EQ(ask(ours_, "PUT", {{"X-Object-Meta-K", std::string(257, 'v')}}, "hello").status, 400);
    EXPECT_EQ(ask(ours_, "PUT", {{"X-Object-Meta-K", std::string(256, 'v')}}, "hello").status, 201);
    EXPECT_EQ(ask(ours_, "POST", {{"X-Object-Meta-K", std::string(257, 'v')}}).status, 400);
}

TEST_F(Filter, RefusesAPathThatIsNotText) {
    RequestHead request{"PUT", "/v1/a/c/%FF", {}, 0};
    ObjectFilter filter(ours_, system_random());
    EXPECT_EQ(filter.on_request_head(request)->head.status, 412);
}

TEST_F(Filter, LeavesOtherPathsAlone) {
    RequestHead request{"GET", "/info", {{"X-Object-Meta-K", "v"}}, {}};
    const Headers before = request.headers;
    ObjectFilter filter(ours_, system_random());
    EXPECT_FALSE(filter.on_request_head(request));
    EXPECT_EQ(request.headers, before);
}

/// A multipart body as another store may send it, in chunks of every size.
TEST_F(Filter, FollowsMultipartBodiesInPieces) {
    const std::string plaintext = vectors::body_of({{"seed", "parts"}, {"length", 1000}});
    ask(ours_, "PUT", {}, plaintext);
    const std::string range = "bytes=0-0,15-17,100-399,999-999";
    const Reply whole = ask(ours_, "GET", {{"Range", range}});
    EXPECT_EQ(whole.status, 206);
    for (const auto& [begin, size] : {std::pair{0, 1}, {15, 3}, {100, 300}, {999, 1}}) {
        const std::string part =
            "\r\n\r\n" + plaintext.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)) + "\r\n--";
        EXPECT_NE(whole.body.find(part), std::string::npos) << begin;
    }
    RequestHead request{"GET", "/v1/a/c/o", {{"Range", range}}, {}};
    for (std::size_t chunk = 1; chunk < 130; ++chunk) {
        ObjectFilter filter(ours_, system_random());
        RequestHead copy = request;
        ASSERT_FALSE(filter.on_request_head(copy));
        Reply raw = vectors::send_raw(*store_, copy);
        ResponseHead head{raw.status, raw.headers};
        ASSERT_FALSE(filter.on_response_head(head));
        ASSERT_EQ(filter.response_body(), ObjectFilter::Body::InPlace);
        const auto body = std::as_writable_bytes(std::span(raw.body));
        for (std::size_t at = 0; at < body.size(); at += chunk) {
            ASSERT_TRUE(filter.on_response_body(body.subspan(at, std::min(chunk, body.size() - at))));
        }
        const auto sizes_agree = raw.body.size() == whole.body.size();
        ASSERT_TRUE(sizes_agree);
        EXPECT_NE(raw.body.find(plaintext.substr(100, 300)), std::string::npos) << chunk;
    }
}

TEST_F(Filter, StopsAtAMultipartBodyThatIsNone) {
    ask(ours_, "PUT", {}, "0123456789");
    for (const char* body :
         {"no delimiter at all\r\n\r\n", "--b\r\nContent-Range: bytes x\r\n\r\n", "--b\r\nNothing: x\r\n\r\n"}) {
        ObjectFilter filter(ours_, system_random());
        RequestHead request{"GET", "/v1/a/c/o", {{"Range", "bytes=0-0,2-2"}}, {}};
        ASSERT_FALSE(filter.on_request_head(request));
        const Reply raw = vectors::send_raw(*store_, request);
        ResponseHead head{206, raw.headers};
        head.headers.set("Content-Type", "multipart/byteranges;boundary=b");
        ASSERT_FALSE(filter.on_response_head(head));
        std::string text = body;
        EXPECT_FALSE(filter.on_response_body(std::as_writable_bytes(std::span(text)))) << body;
    }
}

TEST(RootSecretsTest, RefusesShortDoubleAndMissingSecrets) {
    const auto create = [](std::size_t size, std::vector<std::string> ids, const std::string& active) {
        std::vector<RootSecrets::Entry> entries;
        for (const std::string& id : ids) entries.push_back({id, *SecureBytes::of_size(size)});
        return RootSecrets::create(std::move(entries), active);
    };
    EXPECT_TRUE(create(32, {"", "2"}, "2"));
    EXPECT_FALSE(create(31, {""}, ""));
    EXPECT_FALSE(create(32, {"2", "2"}, "2"));
    EXPECT_FALSE(create(32, {"2"}, ""));
    EXPECT_FALSE(create(32, {}, ""));
    EXPECT_EQ(create(32, {"", "2", "3"}, "2")->ids(), (std::vector<std::string>{"2", "", "3"}));
}

}  // namespace
}  // namespace sallyport::object
