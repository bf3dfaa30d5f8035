#include "keymanager/model/secret.h"

#include <gtest/gtest.h>

namespace sallyport::model {
namespace {

using std::chrono::microseconds;

TEST(SecretType, EveryWordOfTheApiReadsBack) {
    for (const char* word : {"symmetric", "public", "private", "passphrase", "certificate", "opaque"}) {
        const auto type = secret_type_from(word);
        ASSERT_TRUE(type) << word;
        EXPECT_EQ(text_of(*type), word);
    }
}

TEST(SecretType, OtherWordsAreNone) {
    for (const char* word : {"", "Opaque", "opaque ", "secret"}) EXPECT_FALSE(secret_type_from(word)) << word;
}

TEST(Status, EveryWordOfTheColumnReadsBack) {
    for (const char* word : {"ACTIVE", "PENDING", "ERROR"}) {
        const auto status = status_from(word);
        ASSERT_TRUE(status) << word;
        EXPECT_EQ(text_of(*status), word);
    }
    EXPECT_FALSE(status_from("active"));
    EXPECT_FALSE(status_from(""));
}

TEST(Secret, IsExpiredFromTheInstantOfItsExpirationOn) {
    const Timestamp when = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
    Secret secret;
    EXPECT_FALSE(is_expired(secret, when));
    secret.attributes.expiration = when;
    EXPECT_FALSE(is_expired(secret, when - microseconds(1)));
    EXPECT_TRUE(is_expired(secret, when));
    EXPECT_TRUE(is_expired(secret, when + microseconds(1)));
}

}  // namespace
}  // namespace sallyport::model
