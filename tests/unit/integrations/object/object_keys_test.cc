#include "integrations/object/object_keys.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "integrations/object/root_secret.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"

namespace sallyport::object {
namespace {

class KeyIds : public testing::Test {
protected:
    KeyIds() {
        std::vector<RootSecrets::Entry> entries;
        entries.push_back({"", *SecureBytes::copy_of(bytes_of("0123456789abcdef0123456789abcdef"))});
        secrets_.emplace(*RootSecrets::create(std::move(entries), ""));
    }
    bool same_object_key(const KeyId& key_id, const ObjectPath& path) {
        const auto keys = keys_of(*secrets_, request_, key_id);
        EXPECT_TRUE(keys);
        const auto expected = derive_keys(*secrets_, path);
        return keys && equal_in_constant_time(keys->object.reveal(), expected->object.reveal());
    }
    std::optional<RootSecrets> secrets_;
    ObjectPath request_{"AUTH_t", "cü", "oü"};
};

TEST_F(KeyIds, AreReadInBothSpellings) {
    for (const MetaVersion version : {MetaVersion::V1, MetaVersion::V2}) {
        EXPECT_TRUE(same_object_key({latin1_as_utf8("/AUTH_t/cü/oü"), version, ""}, request_));
        EXPECT_TRUE(same_object_key({"/AUTH_t/cü/oü", version, ""}, request_));
    }
    EXPECT_TRUE(same_object_key({"/AUTH_t/cü/oü", MetaVersion::V3, ""}, request_));
    EXPECT_FALSE(same_object_key({latin1_as_utf8("/AUTH_t/cü/oü"), MetaVersion::V3, ""}, request_));
}

TEST_F(KeyIds, WinOverTheRequestsPath) {
    EXPECT_TRUE(same_object_key({"/AUTH_x/other/place", MetaVersion::V2, ""}, {"AUTH_x", "other", "place"}));
}

TEST_F(KeyIds, OfVersion1HoldOnlyTheNameIfItBeginsWithASlash) {
    request_ = {"AUTH_t", "c", "/lead"};
    const auto written = derive_keys(*RootSecrets::create(
                                         [this] {
                                             std::vector<RootSecrets::Entry> entries;
                                             entries.push_back({"", *secrets_->find("")->clone()});
                                             return entries;
                                         }(),
                                         "", MetaVersion::V1),
                                     request_);
    const auto read = keys_of(*secrets_, request_, {"/lead", MetaVersion::V1, ""});
    ASSERT_TRUE(written && read);
    EXPECT_TRUE(equal_in_constant_time(written->object.reveal(), read->object.reveal()));
    EXPECT_TRUE(equal_in_constant_time(written->container.reveal(), read->container.reveal()));
    EXPECT_FALSE(same_object_key({"/lead", MetaVersion::V1, ""}, request_));
}

TEST_F(KeyIds, WithMalformedPathsAreCorrupt) {
    for (const char* path : {"", "x", "/", "//c/o", "/AUTH_t", "/AUTH_t/cü"}) {
        const auto keys = keys_of(*secrets_, request_, {path, MetaVersion::V2, ""});
        ASSERT_FALSE(keys) << path;
        EXPECT_EQ(keys.error().code, Code::Corrupt) << path;
    }
}

TEST_F(KeyIds, UnderAnUnknownSecretAreNotFound) {
    EXPECT_EQ(keys_of(*secrets_, request_, {"/AUTH_t/cü/oü", MetaVersion::V3, "2"}).error().code, Code::NotFound);
}

TEST_F(KeyIds, ServeAContainerWithItsKeyAlone) {
    const auto keys = keys_of(*secrets_, {"AUTH_t", "c", ""}, {"/AUTH_t/c/any", MetaVersion::V2, ""});
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->container.size(), 32U);
    EXPECT_TRUE(keys->object.empty());
}

}  // namespace
}  // namespace sallyport::object
