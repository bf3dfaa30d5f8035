#include "agent/node_api/volume_json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sallyport::node_api {
namespace {

using volume::UnlockProfile;

boost::json::object parsed(std::string_view text) { return boost::json::parse(text).as_object(); }

TEST(VolumeJson, NamesTheFactsAsTheCommandLinePromises) {
    volume::VolumeFacts facts;
    facts.content = volume::Content::Luks;
    facts.luks.emplace();
    facts.luks->key_slots.push_back({});
    const boost::json::object object = to_json(facts);
    for (const char* name :
         {"content", "luks_version", "cipher", "key_bits", "sector_size", "data_offset", "uuid", "key_slots"}) {
        EXPECT_TRUE(object.contains(name)) << name;
    }
    EXPECT_EQ(object.at("luks_version").as_int64(), 1);
    facts.luks.reset();
    EXPECT_FALSE(to_json(facts).contains("luks_version"));
}

TEST(VolumeJson, ReadsTheOptionsThatItWrites) {
    volume::FormatOptions options;
    options.version = volume::LuksVersion::Luks1;
    options.cipher = "aes-cbc-essiv:sha256";
    options.key_bits = 256;
    options.profile = UnlockProfile::Passphrase;
    options.force = true;
    const auto again = format_options_from(to_json(options), UnlockProfile::RandomKey);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->version, options.version);
    EXPECT_EQ(again->cipher, options.cipher);
    EXPECT_EQ(again->key_bits, 256u);
    EXPECT_EQ(again->profile, UnlockProfile::Passphrase);
    EXPECT_TRUE(again->force);
}

TEST(VolumeJson, TakesDefaultsForWhatIsMissing) {
    const auto options = format_options_from({}, UnlockProfile::Passphrase);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->version, volume::LuksVersion::Luks2);
    EXPECT_EQ(options->profile, UnlockProfile::Passphrase);
    EXPECT_FALSE(options->force);
}

TEST(VolumeJson, RefusesOptionsOfTheWrongKind) {
    for (const char* text :
         {R"({"luks": "luks3"})", R"({"luks": 2})", R"({"key_size": "512"})", R"({"key_size": -1})",
          R"({"sector_size": 1e99})", R"({"unlock_profile": "none"})", R"({"force": "yes"})", R"({"label": []})"}) {
        const auto options = format_options_from(parsed(text), UnlockProfile::RandomKey);
        ASSERT_FALSE(options) << text;
        EXPECT_EQ(options.error().code, Code::InvalidInput);
    }
}

}  // namespace
}  // namespace sallyport::node_api
