#include "agent/objects/client_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::objects {
namespace {

using object::Headers;
using object::RequestHead;

constexpr std::int64_t Now = 1'700'000'000;

int refusal(RequestHead request) {
    const auto refused = admit(request, Now);
    return refused ? refused->head.status : 0;
}

RequestHead put(const std::string& target, Headers headers = {}) {
    headers.add("Content-Length", "0");
    return {"PUT", target, std::move(headers), 0};
}

TEST(ClientRules, TakeOffWhatOnlyWeMaySay) {
    RequestHead request = put("/v1/a/c/o", {{"x-object-sysmeta-crypto-body-meta", "forged"},
                                            {"X-Object-Transient-Sysmeta-Crypto-Meta-K", "forged"},
                                            {"X-Object-Sysmeta-Container-Update-Override-Etag", "forged"},
                                            {"X-Container-Sysmeta-X", "forged"},
                                            {"X-Backend-Etag-Is-At", "forged"},
                                            {"X-Timestamp", "1"},
                                            {"X-Static-Large-Object", "True"},
                                            {"Connection", "close"},
                                            {"X-Object-Meta-K", "v"},
                                            {"Content-Type", "text/x"}});
    ASSERT_FALSE(admit(request, Now));
    EXPECT_EQ(request.headers, (Headers{{"X-Object-Meta-K", "v"}, {"Content-Type", "text/x"}}));
}

TEST(ClientRules, TakeOffWhatNoClientMaySee) {
    object::ResponseHead response{200,
                                  {{"X-Object-Sysmeta-Crypto-Etag", "x"},
                                   {"X-Object-Transient-Sysmeta-Other", "x"},
                                   {"X-Object-Sysmeta-Container-Update-Override-Etag", "x"},
                                   {"Etag", "y"}}};
    strip_response(response);
    EXPECT_EQ(response.headers, (Headers{{"Etag", "y"}}));
}

TEST(ClientRules, RefuseWhatNeedsThePlaintextOfMoreThanOneObject) {
    EXPECT_EQ(refusal(put("/v1/a?extract-archive=tar")), 501);
    EXPECT_EQ(refusal({"POST", "/v1/a/c", {{"Content-Type", "multipart/form-data; boundary=x"}}, {}}), 501);
    EXPECT_EQ(refusal(put("/v1/a/c/o?multipart-manifest=put")), 501);
    EXPECT_EQ(refusal(put("/v1/a/c/o", {{"X-Object-Manifest", "c/p"}})), 501);
    EXPECT_EQ(refusal(put("/v1/a/c/o", {{"X-Symlink-Target", "c/p"}})), 501);
    EXPECT_EQ(refusal(put("/v1/a/c", {{"X-Versions-Enabled", "true"}})), 501);
    EXPECT_EQ(refusal(put("/v1/a/c/o")), 0);
}

TEST(ClientRules, RefuseWhatTheStoreHoldsOfOthersInPieces) {
    const auto refused = [](Headers headers, const object::ObjectPath& path) {
        return refuse_response({200, std::move(headers)}, path).has_value();
    };
    const object::ObjectPath object{"a", "c", "o"}, container{"a", "c", ""};
    EXPECT_TRUE(refused({{"X-Static-Large-Object", "True"}}, object));
    EXPECT_TRUE(refused({{"X-Object-Manifest", "c/p"}}, object));
    EXPECT_TRUE(refused({{"X-Object-Sysmeta-Crypto-Body-Meta", "x"}}, container)) << "a website's index page";
    EXPECT_FALSE(refused({{"X-Object-Sysmeta-Crypto-Body-Meta", "x"}}, object));
    EXPECT_FALSE(refused({{"X-Static-Large-Object", "False"}}, object));
}

TEST(ClientRules, KnowWhatIsNoObject) {
    for (const char* path : {"/info", "/healthcheck", "/auth/v1.0", "/info?swiftinfo_sig=x"}) {
        EXPECT_TRUE(is_other_path(path)) << path;
    }
    for (const char* path : {"/v1/a/c/o", "/infox", "/authx", "/v1//c/o", "/"})
        EXPECT_FALSE(is_other_path(path)) << path;
}

TEST(ClientRules, KnowNamesFromBytesThatAreNoText) {
    for (const char* target : {"/v1/a/c/o", "/v1/a/c/%C3%BC?prefix=%FF", "/v1/a/\xc3\xbc/o", "/v1/a/c/%00", "/"}) {
        EXPECT_TRUE(names_are_text(target)) << target;
    }
    for (const char* target : {"/v1/a/c/%FF", "/v1/%C3/c/o", "/v1/a/c/\xff", "/v1/a/c/%ED%A0%80", "/v1/a/%C0%AF/o"}) {
        EXPECT_FALSE(names_are_text(target)) << target;
    }
}

TEST(ClientRules, RefuseWhatMakesNoSense) {
    EXPECT_EQ(refusal({"GET", "/", {}, {}}), 404);
    EXPECT_EQ(refusal({"GET", "/v2/a/c/o", {}, {}}), 404);
    EXPECT_EQ(refusal({"BREW", "/v1/a/c/o", {}, {}}), 405);
    EXPECT_EQ(refusal({"GET", "/v1/a/c/%00reserved", {}, {}}), 412);
    EXPECT_EQ(refusal({"PUT", "/v1/a/c/o", {}, {}}), 411);
    EXPECT_EQ(refusal({"PUT", "/v1/a/c/o", {{"Content-Length", "9"}}, std::uint64_t{6} << 30U}), 413);
    EXPECT_EQ(refusal(put("/v1/a/c/o", {{"X-Delete-After", "soon"}})), 400);
    EXPECT_EQ(refusal({"PUT", "/v1/a/c/o", {{"Transfer-Encoding", "chunked"}}, {}}), 0);
}

TEST(ClientRules, MakeATimeOutOfADelayAndUnquoteTheEtag) {
    RequestHead request = put("/v1/a/c/o", {{"X-Delete-After", "60"}, {"ETag", "\"abc\""}});
    ASSERT_FALSE(admit(request, Now));
    EXPECT_EQ(request.headers.value_or("X-Delete-At", ""), "1700000060");
    EXPECT_EQ(request.headers.value_or("Etag", ""), "abc");
}

TEST(ClientRules, ChooseTheFormatOfAListing) {
    const auto chosen = [](const std::string& target, const Headers& headers) {
        return listing_format(*object::parse_target(target), headers);
    };
    EXPECT_EQ(chosen("/v1/a/c", {}), ListingFormat::Text);
    EXPECT_EQ(chosen("/v1/a/c?format=json", {}), ListingFormat::Json);
    EXPECT_EQ(chosen("/v1/a/c?format=XML", {{"Accept", "text/plain"}}), ListingFormat::Xml);
    EXPECT_EQ(chosen("/v1/a/c", {{"Accept", "application/json"}}), ListingFormat::Json);
    EXPECT_EQ(chosen("/v1/a/c", {{"Accept", "application/xml"}}), ListingFormat::Xml);
    EXPECT_EQ(chosen("/v1/a/c", {{"Accept", "image/png"}}), std::nullopt);
}

TEST(ClientRules, RenderListings) {
    const object::ObjectPath path{"a", "c<d", ""};
    const std::string json = R"([{"name":"x&y","hash":"h","bytes":3},{"subdir":"s/"}])";
    EXPECT_EQ(render_listing(path, {200, {}}, json, ListingFormat::Text).body, "x&y\ns/\n");
    EXPECT_EQ(render_listing(path, {200, {}}, json, ListingFormat::Json).body, json);
    EXPECT_EQ(render_listing(path, {200, {}}, json, ListingFormat::Xml).body,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c&lt;d\"><object><name>x&amp;y</name>"
              "<hash>h</hash><bytes>3</bytes></object><subdir name=\"s/\"><name>s/</name></subdir></container>");
    EXPECT_EQ(render_listing(path, {200, {}}, "[]", ListingFormat::Text).head.status, 204);
    EXPECT_EQ(render_listing(path, {200, {}}, "nonsense", ListingFormat::Text).head.status, 500);
}

}  // namespace
}  // namespace sallyport::objects
