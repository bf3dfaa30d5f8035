#include "keymanager/api/media_type.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::api {
namespace {

bool json_for(const std::string& accept) { return accepts_json(&accept); }

TEST(MediaType, NormalisesPayloadTypesAsBarbicanDoes) {
    for (const char* text :
         {"text/plain", "TEXT/PLAIN", "text/plain; charset=UTF-8", "text/plain ;charset=utf-8", "text/plain;q=utf-8"}) {
        EXPECT_EQ(normal_payload_type(text), "text/plain") << text;
        EXPECT_TRUE(is_payload_type(text)) << text;
    }
    EXPECT_EQ(normal_payload_type("APPLICATION/PKCS8"), "application/pkcs8");
    for (const char* other : {"text/plain; charset=us-ascii", "text/plain;charset", "text/plain;", "text/html", "",
                              "application/aes", "application/json"}) {
        EXPECT_FALSE(is_payload_type(other)) << other;
    }
}

TEST(MediaType, ComparesSpellingsWhole) {
    EXPECT_TRUE(is_text_spelling("text/plain; charset=utf-8"));
    EXPECT_FALSE(is_text_spelling("TEXT/PLAIN"));
    EXPECT_TRUE(is_binary_spelling("application/pkcs8"));
    EXPECT_FALSE(is_binary_spelling("text/plain"));
}

TEST(MediaType, TakesParametersOffAContentType) {
    const std::string header = "application/json; charset=utf-8";
    EXPECT_EQ(essence_of(&header), "application/json");
    EXPECT_EQ(essence_of(nullptr), "");
}

TEST(MediaType, AcceptsJsonUnlessTheClientDoesNot) {
    EXPECT_TRUE(accepts_json(nullptr));
    for (const char* yes : {"", "*/*", "application/json", "application/*;q=0.2", "text/html, */*;q=0.1",
                            "application/json;q=0.5", "APPLICATION/JSON", "foo", "text/plain;x"}) {
        EXPECT_TRUE(json_for(yes)) << yes;
    }
    for (const char* no : {"text/plain", "image/png", "text/*", "application/json;q=0", "application/json;v=1"}) {
        EXPECT_FALSE(json_for(no)) << no;
    }
}

TEST(MediaType, OffersWhatIsLikedBest) {
    const auto best = [](const std::string& accept) { return best_offer(&accept, {"text/plain", "application/json"}); };
    EXPECT_EQ(best_offer(nullptr, {"text/plain"}), "text/plain");
    EXPECT_EQ(best("*/*"), "text/plain");
    EXPECT_EQ(best("nonsense"), "text/plain");
    EXPECT_EQ(best("application/*, text/plain;q=0.9"), "application/json");
    EXPECT_EQ(best("*/*, text/plain;q=0.1"), "application/json");
    EXPECT_EQ(best("image/png"), "");
}

}  // namespace
}  // namespace sallyport::api
