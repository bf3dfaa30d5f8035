#include "integrations/object/granted_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "integrations/object/filter.h"
#include "integrations/object/root_secret.h"
#include "keymanager/base/bytes.h"

namespace sallyport::object {
namespace {

using Paths = std::vector<std::string>;

RootSecrets secrets_of(const std::vector<std::string>& ids, const std::string& active) {
    std::vector<RootSecrets::Entry> entries;
    for (const std::string& id : ids) {
        std::vector<std::byte> secret(32, static_cast<std::byte>(id.size() + 1));
        entries.push_back({id, *SecureBytes::copy_of(secret)});
    }
    return *RootSecrets::create(std::move(entries), active, MetaVersion::V3);
}

bool same(const Result<SecureBytes>& a, const Result<SecureBytes>& b) {
    return a && b && equal_in_constant_time(a->reveal(), b->reveal());
}

const Paths Asked{"/a/c", "/a/c/o"};

std::vector<std::byte> granted_bytes(const RootSecrets& secrets, const Paths& paths) {
    const auto granted = grant(secrets, paths);
    const auto bytes = granted->reveal();
    return {bytes.begin(), bytes.end()};
}

TEST(GrantedKeys, AreThoseOfTheRootSecrets) {
    const RootSecrets secrets = secrets_of({"", "new", "old-1"}, "new");
    GrantedKeys keys;
    ASSERT_TRUE(keys.add(Asked, granted_bytes(secrets, Asked)));
    EXPECT_EQ(keys.active(), "new");
    EXPECT_EQ(keys.ids(), secrets.ids());
    EXPECT_EQ(keys.version_to_write(), MetaVersion::V3);
    for (const std::string& id : secrets.ids()) {
        for (const std::string& path : Asked) EXPECT_TRUE(same(keys.derive(id, path), secrets.derive(id, path)));
    }
}

TEST(GrantedKeys, NoteWhatIsMissing) {
    const RootSecrets secrets = secrets_of({""}, "");
    GrantedKeys keys;
    EXPECT_EQ(keys.derive("", "/a/c").error().code, Code::Unavailable);
    EXPECT_EQ(keys.derive("", "/a/c/o").error().code, Code::Unavailable);
    EXPECT_EQ(keys.derive("x", "/a/c").error().code, Code::Unavailable);
    EXPECT_EQ(keys.missing(), Asked);
    ASSERT_TRUE(keys.add(Asked, granted_bytes(secrets, Asked)));
    EXPECT_TRUE(keys.missing().empty());
    EXPECT_EQ(keys.derive("x", "/a/c").error().code, Code::NotFound);
    EXPECT_EQ(keys.derive("", "/a/other").error().code, Code::Unavailable);
    EXPECT_EQ(keys.missing(), Paths{"/a/other"});
}

TEST(GrantedKeys, OfASecondGrantJoinThoseOfTheFirst) {
    const RootSecrets secrets = secrets_of({""}, "");
    GrantedKeys keys;
    ASSERT_TRUE(keys.add(Asked, granted_bytes(secrets, Asked)));
    ASSERT_TRUE(keys.add({"/a/b"}, granted_bytes(secrets, {"/a/b"})));
    EXPECT_TRUE(same(keys.derive("", "/a/c/o"), secrets.derive("", "/a/c/o")));
    EXPECT_TRUE(same(keys.derive("", "/a/b"), secrets.derive("", "/a/b")));
}

TEST(GrantedKeys, AreNotTakenFromAMalformedGrant) {
    const RootSecrets secrets = secrets_of({"", "1"}, "");
    const auto good = granted_bytes(secrets, Asked);
    for (std::size_t size = 0; size < good.size(); ++size) {
        GrantedKeys keys;
        EXPECT_EQ(keys.add(Asked, std::span(good).first(size)).error().code, Code::Corrupt) << size;
        EXPECT_TRUE(keys.ids().empty());
    }
    const auto refused = [&](std::size_t at, std::byte value) {
        auto broken = good;
        broken[at] = value;
        return !GrantedKeys().add(Asked, broken);
    };
    EXPECT_TRUE(refused(0, std::byte{2})) << "another layout";
    EXPECT_TRUE(refused(1, std::byte{4})) << "another version of key_ids";
    EXPECT_TRUE(refused(3, std::byte{0})) << "no secret";
    EXPECT_TRUE(refused(5, std::byte{1})) << "another number of paths";
    EXPECT_TRUE(refused(7, std::byte{9})) << "an id of another length";
    auto longer = good;
    longer.push_back(std::byte{});
    EXPECT_FALSE(GrantedKeys().add(Asked, longer));
}

TEST(KeyPaths, AreAllThatARequestMayNeed) {
    EXPECT_EQ(key_paths({"a", "c", ""}), Paths{"/a/c"});
    EXPECT_EQ(key_paths({"a", "c", "o"}), Asked);
    EXPECT_EQ(key_paths({"a", "c", "/o"}), (Paths{"/a/c", "/a/c//o", "/o"}));
}

/// An object as the store keeps it, written with the root secrets themselves.
ResponseHead stored(const RootSecrets& secrets) {
    ObjectFilter put(secrets, system_random());
    RequestHead request{"PUT", "/v1/a/c/o", {{"X-Object-Meta-Color", "red"}}, 4};
    EXPECT_FALSE(put.on_request_head(request));
    std::string body = "body";
    EXPECT_TRUE(put.on_request_body(std::as_writable_bytes(std::span(body))));
    const auto footers = std::get<Headers>(put.on_request_end());
    ResponseHead head{200, request.headers};
    for (const auto& [name, value] : footers) head.headers.add(name, value);
    return head;
}

TEST(GrantedKeys, AFilterNeedsOneGrantForAGet) {
    const RootSecrets secrets = secrets_of({"", "2"}, "2");
    ResponseHead response = stored(secrets);
    GrantedKeys keys;
    ObjectFilter filter(keys, system_random());
    RequestHead request{"GET", "/v1/a/c/o", {}, {}};
    EXPECT_FALSE(filter.on_request_head(request));
    ResponseHead first = response;
    EXPECT_EQ(filter.on_response_head(first)->head.status, 503);
    EXPECT_EQ(keys.missing(), Asked);
    ASSERT_TRUE(keys.add(Asked, granted_bytes(secrets, Asked)));
    EXPECT_FALSE(filter.on_response_head(response));
    EXPECT_EQ(response.headers.value_or("X-Object-Meta-Color", ""), "red");
    EXPECT_EQ(response.headers.value_or("Etag", ""), "841a2d689ad86bd1611447453c22c6fc");
    EXPECT_EQ(filter.response_body(), ObjectFilter::Body::InPlace);
}

TEST(GrantedKeys, AFilterNeedsNoneForAnObjectThatIsNotEncrypted) {
    GrantedKeys keys;
    ObjectFilter filter(keys, system_random());
    RequestHead request{"GET", "/v1/a/c/o", {}, {}};
    EXPECT_FALSE(filter.on_request_head(request));
    ResponseHead response{200, {{"Etag", "\"x\""}, {"X-Object-Meta-Color", "red"}}};
    const Headers before = response.headers;
    EXPECT_FALSE(filter.on_response_head(response));
    EXPECT_EQ(response.headers, before);
    EXPECT_TRUE(keys.missing().empty());
}

}  // namespace
}  // namespace sallyport::object
