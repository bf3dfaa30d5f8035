#include "migration/fixed_key.h"

#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

const std::string Digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

class FixedKeyTest : public ConfigFolder {
protected:
    OsloConfig config(const std::string& name, const std::string& text) const {
        return std::move(OsloConfig::read(write(name, text))).value();
    }
    OsloConfig with_key(const std::string& name, const std::string& digits) const {
        return config(name, "[key_manager]\nfixed_key = " + digits + "\n");
    }
};

TEST_F(FixedKeyTest, IsTheBytesBehindTheDigitsInEitherCase) {
    const auto key = read_fixed_key(with_key("c.conf", Digits));
    ASSERT_TRUE(key && *key);
    EXPECT_EQ(to_hex((*key)->bytes.reveal()), "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    EXPECT_EQ((*key)->place.line, 2U);
    EXPECT_EQ((*read_fixed_key(with_key("c.conf", "'0a'")))->bytes.size(), 1U);
    EXPECT_EQ((*read_fixed_key(config("c.conf", "[keymgr]\nfixed_key=0a0b\n")))->bytes.size(), 2U);
}

TEST_F(FixedKeyTest, IsNoneIfUnsetOrEmpty) {
    EXPECT_FALSE(read_fixed_key(config("c.conf", ""))->has_value());
    EXPECT_FALSE(read_fixed_key(with_key("c.conf", ""))->has_value());
}

TEST_F(FixedKeyTest, ThatIsNoHexadecimalIsNotQuoted) {
    for (const char* bad : {"5ecde", "5ecdez", "5e cd", "0x5ecd", "5e\n  cd", "5ecd\xC3\xA9"}) {
        const auto key = read_fixed_key(with_key("c.conf", bad));
        ASSERT_FALSE(key) << bad;
        EXPECT_EQ(key.error().code, Code::InvalidInput);
        EXPECT_NE(key.error().message.find("c.conf:2: fixed_key "), std::string::npos) << key.error().message;
        EXPECT_EQ(key.error().message.find("5e"), std::string::npos) << key.error().message;
    }
}

TEST_F(FixedKeyTest, AgreesWhereTheBytesDo) {
    const OsloConfig cinder = with_key("cinder.conf", Digits);
    const OsloConfig nova = with_key("nova.conf", "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff");
    const NamedConfig all[] = {{"cinder", cinder}, {"nova", nova}};
    const auto comparison = compare_fixed_keys(all);
    ASSERT_TRUE(comparison) << comparison.error().message;
    EXPECT_TRUE(comparison->agree());
    EXPECT_EQ(description(*comparison), "");
}

TEST_F(FixedKeyTest, NamesTheFilesThatDisagreeOrLackIt) {
    const OsloConfig a = with_key("a", "00ff");
    const OsloConfig b = with_key("b", "00fe");
    const OsloConfig c = with_key("c", "00FE");
    const OsloConfig d = config("d", "[DEFAULT]\n");
    const OsloConfig e = config("e", "[key_manager]\nfixed_key=00fe\n[keymgr]\nfixed_key=00ff\n");
    const NamedConfig all[] = {{"a", a}, {"b", b}, {"c", c}, {"d", d}, {"e", e}};
    const auto comparison = compare_fixed_keys(all);
    ASSERT_TRUE(comparison) << comparison.error().message;
    EXPECT_FALSE(comparison->agree());
    EXPECT_EQ(comparison->same, (std::vector<std::vector<std::string>>{{"b", "c", "e"}, {"a"}}));
    EXPECT_EQ(comparison->without, std::vector<std::string>{"d"});
    EXPECT_EQ(
        description(*comparison),
        "fixed_key is not the same everywhere: b, c, e against a; no fixed_key in d; another fixed_key, which the "
        "services do not take, in " +
            path("e") + ":4");
}

TEST_F(FixedKeyTest, IsComparedWithFarNodesByASaltedDigest) {
    const auto key = read_fixed_key(with_key("c.conf", Digits));
    ASSERT_TRUE(key && *key);
    // printf %s operator-nonce-1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0011...
    EXPECT_EQ(*salted_digest((*key)->bytes, "operator-nonce-1"), "4143f01ad74ed7c2");
    EXPECT_NE(*salted_digest((*key)->bytes, "operator-nonce-2"), "4143f01ad74ed7c2");
    EXPECT_EQ(salted_digest((*key)->bytes, "short").error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::migration
