#include "integrations/object/crypto_meta.h"

#include <gtest/gtest.h>

#include "integrations/object/random_source.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/sealed_value.h"
#include "integrations/object/text.h"
#include "keymanager/base/codec.h"

namespace sallyport::object {
namespace {

constexpr auto Meta =
    R"({"cipher": "AES_CTR_256", "iv": "AAECAwQFBgcICQoLDA0ODw==", "key_id": {"path": "/a/c/o", "v": "2"}, "more": [1]})";

TEST(CryptoMeta, IsReadQuotedAndNotQuoted) {
    for (const std::string& header : {form_quoted(Meta), std::string(Meta), percent_encoded(Meta)}) {
        const auto meta = crypto_meta_from_header(header);
        ASSERT_TRUE(meta) << header;
        EXPECT_EQ(meta->cipher, CipherName);
        EXPECT_TRUE(checked_iv(*meta));
        ASSERT_TRUE(meta->key_id && *meta->key_id);
        EXPECT_EQ((*meta->key_id)->path, "/a/c/o");
        EXPECT_FALSE(meta->empty);
    }
}

TEST(CryptoMeta, IsRefusedIfItIsNoObjectOrItsBytesAreNoBase64) {
    for (const char* header :
         {"", "x", "[]", "1", "{", R"({"iv": 1})", R"({"iv": "A"})", R"({"other": {"key": null}})"}) {
        EXPECT_FALSE(crypto_meta_from_header(header)) << header;
    }
}

TEST(CryptoMeta, DropsCharactersOutsideTheAlphabet) {
    const auto meta = crypto_meta_from_header(R"({"cipher": "AES_CTR_256", "iv": "AAEC!AwQF\nBgcICQoL-DA0ODw=="})");
    ASSERT_TRUE(meta);
    EXPECT_TRUE(checked_iv(*meta));
    const auto empty = crypto_meta_from_header(R"({"cipher": "AES_CTR_256", "iv": "!!"})");
    ASSERT_TRUE(empty);
    EXPECT_FALSE(checked_iv(*empty));
}

TEST(CryptoMeta, KeepsWhatIsWrongWithAKeyIdForWhoNeedsIt) {
    const auto key_id_of = [](const std::string& json) {
        const auto meta = crypto_meta_from_header(R"({"key_id": )" + json + "}");
        EXPECT_TRUE(meta) << json;
        return meta->key_id;
    };
    for (const char* malformed : {"1", "[1]", "\"x\"", "true", R"({"v": "2"})", R"({"path": "/a/c/o"})",
                                  R"({"path": "/a/c/o", "v": 2})", R"({"path": "/a/c/o", "v": "4"})",
                                  R"({"path": null, "v": "2"})", R"({"path": "/a/c/o", "v": "2", "secret_id": {}})"}) {
        ASSERT_TRUE(key_id_of(malformed)) << malformed;
        EXPECT_EQ(key_id_of(malformed)->error().code, Code::Corrupt) << malformed;
    }
    for (const char* unknown :
         {R"({"path": "/a/c/o", "v": "2", "secret_id": ""})", R"({"path": "/a/c/o", "v": "2", "secret_id": 7})"}) {
        EXPECT_EQ(key_id_of(unknown)->error().code, Code::NotFound) << unknown;
    }
    for (const char* absent : {"null", "{}", "\"\"", "0", "[]", "false"}) EXPECT_FALSE(key_id_of(absent)) << absent;
}

TEST(CryptoMeta, WritesPathsInAsciiByVersion) {
    const ObjectPath path{"a", "ü", "😀\"\\\n"};
    const auto written = [&path](MetaVersion version) {
        std::vector<RootSecrets::Entry> entries;
        entries.push_back({"", *SecureBytes::of_size(32)});
        const auto secrets = RootSecrets::create(std::move(entries), "", version);
        CryptoMeta meta;
        meta.key_id = *key_id_to_write(*secrets, path);
        return form_unquoted(*to_header(meta));
    };
    EXPECT_EQ(written(MetaVersion::V2),
              R"({"key_id": {"path": "/a/\u00c3\u00bc/\u00f0\u009f\u0098\u0080\"\\\n", "v": "2"}})");
    EXPECT_EQ(written(MetaVersion::V3), R"({"key_id": {"path": "/a/\u00fc/\ud83d\ude00\"\\\n", "v": "3"}})");
}

class Sealed : public testing::Test {
protected:
    SecureBytes key_ = *SecureBytes::of_size(32);
};

TEST_F(Sealed, ValuesOpenWithTheirKeyOnly) {
    const std::string sealed = *seal("a; b=\"c\"", key_, system_random());
    EXPECT_EQ(*unseal(*split_sealed(sealed), key_), "a; b=\"c\"");
    SecureBytes other = *SecureBytes::of_size(32);
    other.writable()[0] = std::byte{1};
    EXPECT_NE(*unseal(*split_sealed(sealed), other), "a; b=\"c\"");
    EXPECT_NE(*seal("a; b=\"c\"", key_, system_random()), sealed);
}

TEST_F(Sealed, ValuesAreSplitAsAHeaderWithParameters) {
    const std::string meta = form_quoted(Meta);
    for (const std::string& header : {"AA==;swift_meta=" + meta, " AA== ; x=y; SWIFT_META = " + meta,
                                      "AA==; swift_meta=\"" + meta + "\"", "AA==; q=\"a;b\"; swift_meta=" + meta}) {
        const auto split = split_sealed(header);
        ASSERT_TRUE(split) << header;
        EXPECT_EQ(split->ciphertext, "AA==");
        ASSERT_TRUE(split->meta) << header;
        EXPECT_TRUE(unseal(*split, key_));
    }
    for (const char* clear : {"", "AA==", "AA==; other=1", "a; swift_meta"}) {
        const auto split = split_sealed(clear);
        ASSERT_TRUE(split) << clear;
        EXPECT_FALSE(split->meta) << clear;
        EXPECT_FALSE(unseal(*split, key_));
    }
    EXPECT_FALSE(split_sealed("AA==; swift_meta=nonsense"));
}

}  // namespace
}  // namespace sallyport::object
