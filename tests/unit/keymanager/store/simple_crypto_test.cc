#include "keymanager/store/simple_crypto.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/fernet.h"
#include "tests/unit/keymanager/store/kek_files.h"
#include "tests/vectors/vector_file.h"

namespace sallyport::store {
namespace {

const std::string OneKey = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const std::string OtherKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const ProjectId Project("11112222333344445555666677778888");
const SecretBinding Row{SecretId("11111111-1111-4111-8111-111111111111"), Project};

SecureBytes secret(std::string_view text) { return *SecureBytes::copy_of(bytes_of(text)); }

std::unique_ptr<SecretStore> open(const std::vector<std::string>& files, Envelope envelope = Envelope::Bound) {
    auto store = make_simple_crypto({"Software", files, envelope}, system_clock());
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
}

TEST(SimpleCrypto, OpensWhatBarbicansPluginWrapped) {
    auto vectors = read_vectors("simple_crypto/simple_crypto.vec");
    ASSERT_EQ(vectors.size(), 7u);
    const KekFiles files;
    for (const Envelope envelope : {Envelope::Bound, Envelope::Barbican}) {
        const auto store = open({files.write("kek", vectors.front()["Master"])}, envelope);
        for (std::size_t i = 1; i < vectors.size(); ++i) {
            model::KekMeta kek = *store->bind_kek(Project);
            kek.plugin_meta = vectors[i]["PluginMeta"];
            const auto payload = store->unwrap(kek, Row, {vectors[i]["CypherText"], std::nullopt});
            ASSERT_TRUE(payload) << payload.error().message;
            EXPECT_EQ(to_hex(payload->reveal()), vectors[i]["Payload"]);
        }
    }
}

TEST(SimpleCrypto, WritesBarbicansEnvelopeInBarbicansForm) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)}, Envelope::Barbican);
    const model::KekMeta kek = *store->bind_kek(Project);
    EXPECT_EQ(kek.plugin_name, "barbican.plugin.crypto.simple_crypto.SimpleCryptoPlugin");
    EXPECT_TRUE(kek.label.starts_with("project-" + Project.str() + "-key-"));
    EXPECT_EQ(kek.algorithm, "aes");
    EXPECT_EQ(kek.bit_length, 128);
    EXPECT_EQ(kek.mode, "cbc");
    EXPECT_EQ(kek.plugin_meta.size(), 140u);
    EXPECT_TRUE(kek.plugin_meta.starts_with("gAAAAA"));
    EXPECT_EQ(store->info().store_plugin, "barbican.plugin.store_crypto.StoreCryptoAdapterPlugin");

    const auto wrapped = store->wrap(kek, Row, secret("payload"));
    ASSERT_TRUE(wrapped);
    EXPECT_FALSE(wrapped->kek_meta_extended);
    const Bytes token = *from_base64(wrapped->cypher_text);
    EXPECT_TRUE(text_of(token).starts_with("gAAAAA"));
    EXPECT_EQ(token.size(), 100u);  // one block: 73 bytes in base64
}

TEST(SimpleCrypto, EachEnvelopeIsReadWhicheverIsWritten) {
    const KekFiles files;
    const std::string file = files.write("kek", OneKey);
    const auto bound = open({file}, Envelope::Bound), barbican = open({file}, Envelope::Barbican);
    const model::KekMeta kek = *bound->bind_kek(Project);
    EXPECT_TRUE(bound->wrap(kek, Row, secret("x"))->cypher_text.starts_with("sp1."));
    EXPECT_TRUE(barbican->unwrap(kek, Row, *bound->wrap(kek, Row, secret("x"))));
    EXPECT_TRUE(bound->unwrap(kek, Row, *barbican->wrap(kek, Row, secret("x"))));
}

TEST(SimpleCrypto, ABoundCiphertextUnderBarbicansNameIsCorrupt) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)});
    const model::KekMeta kek = *store->bind_kek(Project);
    const auto wrapped = store->wrap(kek, Row, secret("payload"));
    for (const std::string& text : {wrapped->cypher_text.substr(4), "sp2." + wrapped->cypher_text.substr(4)}) {
        const auto opened = store->unwrap(kek, Row, {text, std::nullopt});
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Code::Corrupt);
    }
}

// Without lengths the pairs ("ab", "c") and ("a", "bc") would be bound to the same bytes.
TEST(SimpleCrypto, TheBindingDoesNotMixUpItsParts) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)});
    const model::KekMeta kek = *store->bind_kek(Project);
    const auto wrapped = store->wrap(kek, {SecretId("ab"), ProjectId("c")}, secret("payload"));
    EXPECT_TRUE(store->unwrap(kek, {SecretId("ab"), ProjectId("c")}, *wrapped));
    EXPECT_FALSE(store->unwrap(kek, {SecretId("a"), ProjectId("bc")}, *wrapped));
}

TEST(SimpleCrypto, TheFirstKekFileWritesAndAllRead) {
    const KekFiles files;
    const std::string one = files.write("one", OneKey), other = files.write("other", OtherKey);
    const auto old_store = open({one}), rotated = open({other, one}), new_store = open({other});
    const model::KekMeta old_kek = *old_store->bind_kek(Project);
    const auto wrapped = old_store->wrap(old_kek, Row, secret("payload"));
    EXPECT_TRUE(rotated->unwrap(old_kek, Row, *wrapped));
    EXPECT_FALSE(new_store->unwrap(old_kek, Row, *wrapped));
    EXPECT_TRUE(rotated->check_canary(*old_store->make_canary()));
    EXPECT_TRUE(new_store->check_canary(*rotated->make_canary()));
    EXPECT_EQ(old_store->check_canary(*rotated->make_canary()).error().code, Code::WrongKey);
    const model::KekMeta new_kek = *rotated->bind_kek(Project);
    EXPECT_TRUE(new_store->wrap(new_kek, Row, secret("payload")));
    EXPECT_FALSE(old_store->wrap(new_kek, Row, secret("payload")));
}

TEST(SimpleCrypto, TheKekOfAnotherPluginIsNotTouched) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)});
    model::KekMeta kek = *store->bind_kek(Project);
    kek.plugin_name = "barbican.plugin.crypto.p11_crypto.P11CryptoPlugin";
    EXPECT_FALSE(store->wrap(kek, Row, secret("payload")));
}

TEST(SimpleCrypto, ACanaryOfAnotherTextIsDamaged) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)});
    const auto token =
        crypto::Fernet::from_text(bytes_of(OneKey))->encrypt(secret("something else"), system_clock().now());
    EXPECT_EQ(store->check_canary(*token).error().code, Code::Corrupt);
}

TEST(SimpleCrypto, IsNotBuiltWithoutAGoodKekFile) {
    const KekFiles files;
    EXPECT_EQ(make_simple_crypto({"Software", {}, Envelope::Bound}, system_clock()).error().code, Code::InvalidInput);
    const std::string good = files.write("good", OneKey), loose = files.write("loose", OneKey, 0644);
    EXPECT_EQ(make_simple_crypto({"Software", {good, loose}, Envelope::Bound}, system_clock()).error().code,
              Code::Refused);
}

TEST(SimpleCrypto, KeepsABoundedNumberOfKeysInTheArena) {
    const KekFiles files;
    const auto store = open({files.write("kek", OneKey)});
    const auto wrap_for_another_project = [&store] {
        EXPECT_TRUE(store->wrap(*store->bind_kek(Project), Row, secret("x")));
    };
    for (int i = 0; i < 1100; ++i) wrap_for_another_project();
    const std::size_t used = secure_arena_usage().used;
    for (int i = 0; i < 100; ++i) wrap_for_another_project();
    EXPECT_EQ(secure_arena_usage().used, used);
}

TEST(SimpleCrypto, RewrapsUnderTheFirstMasterKeyWhatAnOtherWrapped) {
    const KekFiles files;
    const std::string one = files.write("one", OneKey);
    const std::string other = files.write("other", OtherKey);
    model::KekMeta kek = *open({one})->bind_kek(Project);
    const auto wrapped = *open({one})->wrap(kek, Row, secret("payload"));

    const auto both = open({other, one});
    EXPECT_EQ(*both->opened_by(kek.plugin_meta), 1U);
    const auto fresh = *both->rewrap(kek.plugin_meta);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(*both->opened_by(*fresh), 0U);
    EXPECT_FALSE(*both->rewrap(*fresh));

    const auto alone = open({other});
    EXPECT_FALSE(*alone->opened_by(kek.plugin_meta));
    EXPECT_EQ(alone->rewrap(kek.plugin_meta).error().code, Code::WrongKey);
    kek.plugin_meta = *fresh;
    EXPECT_EQ(text_of(alone->unwrap(kek, Row, wrapped)->reveal()), "payload");
}

TEST(SimpleCrypto, MasterKeysAreToldApartByFingerprintsThatSayNothingOfThem) {
    const KekFiles files;
    const std::string one = files.write("one", OneKey);
    const std::string other = files.write("other", OtherKey);
    const auto keys = open({one, other})->master_keys();
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].source, one);
    EXPECT_EQ(keys[0].fingerprint.size(), 16U);
    EXPECT_NE(keys[0].fingerprint, keys[1].fingerprint);
    EXPECT_EQ(keys[0].fingerprint, open({one})->master_keys()[0].fingerprint);
    const auto twice =
        make_simple_crypto({"Software", {one, files.write("copy", OneKey)}, Envelope::Bound}, system_clock());
    EXPECT_EQ(twice.error().code, Code::InvalidInput);
}

TEST(SimpleCrypto, TheKeyThatEverybodyKnowsMayReadButNotWrite) {
    const KekFiles files;
    const std::string known = files.write("known", "dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg=");
    const std::string one = files.write("one", OneKey);
    EXPECT_EQ(make_simple_crypto({"Software", {known}, Envelope::Bound}, system_clock()).error().code, Code::Refused);
    EXPECT_EQ(make_simple_crypto({"Software", {known, one}, Envelope::Bound}, system_clock()).error().code,
              Code::Refused);
    EXPECT_TRUE(make_simple_crypto({"Software", {one, known}, Envelope::Bound}, system_clock()));
}

}  // namespace
}  // namespace sallyport::store
