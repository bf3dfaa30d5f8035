#include "integrations/object/rewrap.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "integrations/object/filter.h"
#include "integrations/object/names.h"
#include "keymanager/base/bytes.h"

namespace sallyport::object {
namespace {

const ObjectPath Path{"a", "c", "o"};

RootSecrets secrets(const std::vector<std::string>& ids, const std::string& active, std::byte other = {}) {
    std::vector<RootSecrets::Entry> entries;
    for (const std::string& id : ids) {
        SecureBytes bytes = *SecureBytes::of_size(32);
        bytes.writable()[0] = static_cast<std::byte>(id.size() + 1);
        bytes.writable()[1] = other;
        entries.push_back({id, std::move(bytes)});
    }
    return *RootSecrets::create(std::move(entries), active);
}

struct Stored {
    Headers headers;
    std::string body;
};

Stored stored_under(const RootSecrets& keys, std::string body) {
    ObjectFilter filter(keys, system_random());
    RequestHead head{"PUT", "/v1/a/c/o", {{"X-Object-Meta-Color", "red"}}, body.size()};
    EXPECT_FALSE(filter.on_request_head(head));
    EXPECT_TRUE(filter.on_request_body(std::as_writable_bytes(std::span(body))));
    auto footers = std::get<Headers>(filter.on_request_end());
    for (const auto& [name, value] : footers) head.headers.set(name, value);
    return {head.headers, body};
}

struct Read {
    int status = 0;
    std::string body, color, etag;
};

Read read_under(const RootSecrets& keys, const Stored& stored) {
    ObjectFilter filter(keys, system_random());
    RequestHead head{"GET", "/v1/a/c/o", {}, {}};
    EXPECT_FALSE(filter.on_request_head(head));
    ResponseHead response{200, stored.headers};
    if (const auto answer = filter.on_response_head(response)) return {answer->head.status, {}, {}, {}};
    std::string body = stored.body;
    EXPECT_TRUE(filter.on_response_body(std::as_writable_bytes(std::span(body))));
    return {200, body, response.headers.value_or("X-Object-Meta-Color", ""), response.headers.value_or("Etag", "")};
}

TEST(Rewrap, BringsAllUnderTheActiveSecretAndLeavesTheData) {
    Stored object = stored_under(secrets({""}, ""), "hello");
    const Read before = read_under(secrets({""}, ""), object);
    const RootSecrets both = secrets({"", "new"}, "new");
    EXPECT_EQ(*secrets_in_use(object.headers), (std::set<std::string>{""}));
    const auto changed = rewrapped(object.headers, Path, both, system_random());
    ASSERT_TRUE(changed && *changed);
    for (const auto& [name, value] : **changed) object.headers.set(name, value);
    EXPECT_EQ(*secrets_in_use(object.headers), (std::set<std::string>{"new"}));
    const Read after = read_under(secrets({"new"}, "new"), object);
    EXPECT_EQ(after.body, "hello");
    EXPECT_EQ(after.color, "red");
    EXPECT_EQ(after.etag, before.etag);
    EXPECT_EQ(read_under(secrets({""}, ""), object).status, 500) << "the old secret is of no use any more";
    EXPECT_FALSE(*rewrapped(object.headers, Path, both, system_random())) << "and there is nothing left to do";
}

TEST(Rewrap, TakesMetadataThatAreUnderAnotherSecretThanTheBody) {
    Stored object = stored_under(secrets({"new"}, "new"), "hello");
    const Stored old = stored_under(secrets({""}, ""), "x");
    for (const auto& [name, value] : old.headers) {
        if (starts_with_no_case(name, TransientSysmetaPrefix)) object.headers.set(name, value);
    }
    const auto changed = rewrapped(object.headers, Path, secrets({"", "new"}, "new"), system_random());
    ASSERT_TRUE(changed && *changed);
    for (const auto& [name, value] : **changed) object.headers.set(name, value);
    EXPECT_EQ(read_under(secrets({"new"}, "new"), object).color, "red");
    EXPECT_EQ(read_under(secrets({"new"}, "new"), object).body, "hello");
}

TEST(Rewrap, ChangesNothingThatItCannotRead) {
    const Stored object = stored_under(secrets({""}, ""), "hello");
    const auto unknown = rewrapped(object.headers, Path, secrets({"new"}, "new"), system_random());
    EXPECT_EQ(unknown.error().code, Code::NotFound);
    const auto wrong = rewrapped(object.headers, Path, secrets({"", "new"}, "new", std::byte{7}), system_random());
    EXPECT_EQ(wrong.error().code, Code::WrongKey);
    Headers damaged = object.headers;
    damaged.set(BodyMeta, "%7B%7D");
    EXPECT_EQ(rewrapped(damaged, Path, secrets({"", "new"}, "new"), system_random()).error().code, Code::Corrupt);
    Headers torn = object.headers;
    torn.remove(CryptoEtag);
    EXPECT_EQ(rewrapped(torn, Path, secrets({"", "new"}, "new"), system_random()).error().code, Code::Corrupt);
    EXPECT_FALSE(*rewrapped({{"Etag", "x"}}, Path, secrets({"new"}, "new"), system_random())) << "not encrypted";
}

}  // namespace
}  // namespace sallyport::object
