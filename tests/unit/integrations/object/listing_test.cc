#include "integrations/object/listing.h"

#include <gtest/gtest.h>

#include "integrations/object/text.h"
#include "swift_vectors.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

/// Undoes what a filter to the left did in the recording: it cut a parameter off the hash.
std::string whole_hash(const json::object& entry) {
    std::string hash = vectors::text(entry, "hash");
    if (entry.contains("slo_etag"))
        hash += "; slo_etag=" + std::string(without_quotes(vectors::text(entry, "slo_etag")));
    return hash;
}

TEST(Listing, DecryptsAsSwiftDoes) {
    int replayed = 0;
    for (const json::value& value : vectors::load("listings.json")) {
        const json::object& vector = value.as_object();
        if (!vector.contains("decrypted_json")) continue;
        SCOPED_TRACE(vectors::text(vector, "id"));
        const auto listing = decrypt_listing(json::serialize(vector.at("backend_json")),
                                             parse_target(vectors::text(vector, "path"))->path,
                                             vectors::root_secrets(vector.at("keymaster").as_object()));
        ASSERT_TRUE(listing);
        const json::value parsed = json::parse(*listing);
        const json::array& decrypted = parsed.as_array();
        const json::array& expected = vector.at("decrypted_json").as_array();
        ASSERT_EQ(decrypted.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_EQ(decrypted[i].at("hash").as_string(), whole_hash(expected[i].as_object()));
            for (const char* field : {"bytes", "content_type", "name"}) {
                EXPECT_EQ(decrypted[i].at(field), expected[i].at(field));
            }
        }
        ++replayed;
    }
    EXPECT_EQ(replayed, 5);
}

// listing-wrong-secret: up to 2.38.0 Swift fails the whole listing, from 2.38.1 on it does as we do.
TEST(Listing, ShowsEntriesUnderAWrongSecretAsUnknown) {
    const json::object listed = vectors::find("listings.json", "listing-mixed-secrets");
    const json::object reader = vectors::find("listings.json", "listing-wrong-secret");
    const auto listing = decrypt_listing(json::serialize(listed.at("backend_json")), {"AUTH_golden", "rot", ""},
                                         vectors::root_secrets(reader.at("keymaster").as_object()));
    ASSERT_TRUE(listing);
    const json::value parsed = json::parse(*listing);
    for (const json::value& entry : parsed.as_array()) EXPECT_EQ(entry.at("hash"), "<unknown>");
}

class BrokenListing : public testing::Test {
protected:
    static Result<std::string> decrypt(const std::string& listing) {
        const json::object any = vectors::find("listings.json", "listing-clear");
        return decrypt_listing(listing, {"a", "c", ""}, vectors::root_secrets(any.at("keymaster").as_object()));
    }
};

TEST_F(BrokenListing, IsRefusedIfItIsNoArrayOfObjects) {
    for (const char* listing : {"", "{}", "[1]", "[{\"hash\": 1}]", "[{\"hash\": \"x\""}) {
        EXPECT_FALSE(decrypt(listing)) << listing;
    }
}

TEST_F(BrokenListing, GoesOnPastCryptoMetaThatDoNotParse) {
    const std::string bad_version =
        R"({"cipher": "AES_CTR_256", "iv": "AAECAwQFBgcICQoLDA0ODw==", "key_id": {"path": "/a/c/o", "v": "9"}})";
    const std::string sealed = "AA==; swift_meta=" + form_quoted(bad_version);
    const auto listing = decrypt(R"([{"name": "o", "hash": "AA==; swift_meta=nonsense"}, {"name": "p", "hash": ")" +
                                 sealed + R"("}, {"name": "q", "hash": "d41d8cd98f00b204e9800998ecf8427e"}])");
    ASSERT_TRUE(listing);
    const json::value parsed = json::parse(*listing);
    EXPECT_EQ(parsed.at(0).at("hash"), "<unknown>");
    EXPECT_EQ(parsed.at(1).at("hash"), "<unknown>");
    EXPECT_EQ(parsed.at(2).at("hash"), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST_F(BrokenListing, GoesOnPastAnotherCipher) {
    const auto listing = decrypt(R"([{"name": "o", "hash": "AA==; swift_meta=%7B%22cipher%22%3A+%22ROT13%22%7D"}])");
    ASSERT_TRUE(listing);
    EXPECT_EQ(json::parse(*listing).at(0).at("hash"), "<unknown>");
}

}  // namespace
}  // namespace sallyport::object
