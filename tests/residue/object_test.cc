#include <gtest/gtest.h>

#include "agent/objects/key_route.h"
#include "integrations/object/decrypt_stream.h"
#include "integrations/object/encrypt_stream.h"
#include "integrations/object/granted_keys.h"
#include "integrations/object/object_keys.h"
#include "integrations/object/root_secret.h"
#include "tests/residue/canary.h"

namespace sallyport::residue {
namespace {

/// Draws a body key that the test knows.
class KnownBodyKey final : public object::RandomSource {
public:
    Result<crypto::CounterBlock> draw_iv() override { return object::system_random().draw_iv(); }
    Result<SecureBytes> draw_key() override {
        SecureBytes key = make_canary();
        for (Needle& needle : shapes_of(key)) needles.push_back(std::move(needle));
        return key;
    }

    std::vector<Needle> needles;
};

void append(std::vector<Needle>& all, std::vector<Needle> more) {
    for (Needle& needle : more) all.push_back(std::move(needle));
}

/// A cipher context of OpenSSL keeps the expanded key, which begins with the key itself (FIPS 197, section 5.2), on the
/// ordinary heap, and wipes it when it goes: one copy for each stream that is under way, and no more.
void expect_in_the_arena_and_one_cipher(const std::vector<Needle>& body_key) {
    EXPECT_LE(outside_arena(scan(body_key)).size(), 1U);
}

class ObjectFlow : public testing::Test {
protected:
    /// Encrypts `body_` in place; returns what is stored beside it.
    std::string encrypt(const object::RootSecrets& secrets, const object::ObjectKeys& keys) {
        object::EncryptStream stream(keys, *object::key_id_to_write(secrets, path_), random_);
        EXPECT_TRUE(stream.encrypt(body_bytes()));
        expect_in_the_arena_and_one_cipher(random_.needles);
        const auto sealed = stream.finish();
        EXPECT_TRUE(sealed && *sealed);
        return (*sealed)->body_meta;
    }
    void decrypt(const object::ObjectKeys& keys, const std::string& body_meta) {
        const auto meta = object::crypto_meta_from_header(body_meta);
        ASSERT_TRUE(meta);
        auto body_key = object::unwrap_body_key(*meta, keys.object);
        ASSERT_TRUE(body_key);
        auto stream = object::DecryptStream::whole_or_range(*std::move(body_key), *object::checked_iv(*meta), 0);
        ASSERT_TRUE(stream);
        ASSERT_TRUE(stream->decrypt(body_bytes()));
        expect_in_the_arena_and_one_cipher(random_.needles);
    }
    std::span<std::byte> body_bytes() { return std::as_writable_bytes(std::span(body_)); }

    const object::ObjectPath path_{"a", "c", "o"};
    std::string body_ = std::string(200'000, 'x');
    KnownBodyKey random_;
};

TEST_F(ObjectFlow, NeitherRootSecretNorAnyKeyUnderItIsLeftBehind) {
    std::vector<Needle> needles;
    {
        SecureBytes root = make_canary();
        append(needles, shapes_of(root));
        std::vector<object::RootSecrets::Entry> entries;
        entries.push_back({"", std::move(root)});
        const auto secrets = object::RootSecrets::create(std::move(entries), "");
        ASSERT_TRUE(secrets);
        const auto keys = object::derive_keys(*secrets, path_);
        ASSERT_TRUE(keys);
        append(needles, shapes_of(keys->object));
        append(needles, shapes_of(keys->container));

        const std::string body_meta = encrypt(*secrets, *keys);
        ASSERT_FALSE(random_.needles.empty());
        append(needles, random_.needles);
        expect_in_the_arena_only(needles);
        decrypt(*keys, body_meta);
        EXPECT_EQ(body_, std::string(200'000, 'x'));
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

TEST_F(ObjectFlow, OnlyDerivedKeysLeaveWhoHoldsTheRootSecret) {
    std::vector<Needle> root_needles, key_needles;
    {
        SecureBytes root = make_canary();
        append(root_needles, shapes_of(root));
        objects::RootSecretKeeper keeper([&root]() -> Result<object::RootSecrets> {
            std::vector<object::RootSecrets::Entry> entries;
            entries.push_back({"", std::move(root)});
            return object::RootSecrets::create(std::move(entries), "");
        });
        const std::string project = "node";
        objects::KeyRoute route(keeper, project);
        api::Request request;
        request.method = "GET";
        request.target = "/sallyport/v1/objects/keys?path=/a/c&path=/a/c/o";
        const core::Caller swift{UserId("uid:33"), ProjectId(project), {std::string(objects::KeyRole)}, ""};
        for (int i = 0; i < 100; ++i) ASSERT_EQ(route.handle(request, swift).status, 200);
        request.target = "/sallyport/v1/objects/keys?path=bad";
        EXPECT_EQ(route.handle(request, swift).status, 400);
        expect_in_the_arena_only(root_needles);

        request.target = "/sallyport/v1/objects/keys?path=/a/c&path=/a/c/o";
        const api::Response granted = route.handle(request, swift);
        object::GrantedKeys keys;
        ASSERT_TRUE(keys.add({"/a/c", "/a/c/o"}, granted.body.reveal()));
        const auto derived = object::derive_keys(keys, path_);
        ASSERT_TRUE(derived);
        append(key_needles, shapes_of(derived->object));
        append(key_needles, shapes_of(derived->container));
        expect_in_the_arena_only(key_needles);
    }
    expect_nowhere(root_needles);
    expect_nowhere(key_needles);
}

}  // namespace
}  // namespace sallyport::residue
