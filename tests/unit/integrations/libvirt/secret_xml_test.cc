#include "integrations/libvirt/secret_xml.h"

#include <gtest/gtest.h>

namespace sallyport::libvirt {
namespace {

constexpr auto Uuid = "4b33363a-60e0-4c34-a3ae-c975a5370ee2";

TEST(SecretDefinition, IsEphemeralPrivateAndForAVolume) {
    EXPECT_EQ(*secret_definition(VolumeId("vol-1"), SecretUuid(Uuid)),
              "<secret ephemeral='yes' private='yes'><uuid>4b33363a-60e0-4c34-a3ae-c975a5370ee2</uuid>"
              "<usage type='volume'><volume>vol-1</volume></usage></secret>");
    EXPECT_EQ(*secret_definition(VolumeId("vol-1"), std::nullopt),
              "<secret ephemeral='yes' private='yes'><usage type='volume'><volume>vol-1</volume></usage></secret>");
}

TEST(SecretDefinition, CannotBeEscapedFrom) {
    const auto xml = secret_definition(VolumeId("a</volume><volume>&'\""), std::nullopt);
    ASSERT_TRUE(xml);
    EXPECT_NE(xml->find("<volume>a&lt;/volume&gt;&lt;volume&gt;&amp;&apos;&quot;</volume>"), std::string::npos) << *xml;
}

TEST(SecretDefinition, RefusesIdsThatCannotBe) {
    for (const std::string& volume : {std::string(), std::string(256, 'x'), std::string("a b"), std::string("a\nb"),
                                      std::string("a\0b", 3), std::string("\xc3\xa4")}) {
        EXPECT_EQ(secret_definition(VolumeId(volume), std::nullopt).error().code, Code::InvalidInput) << volume;
    }
    EXPECT_EQ(secret_definition(VolumeId("v"), SecretUuid("'/>")).error().code, Code::InvalidInput);
}

TEST(SecretDescription, ReadsWhatLibvirtWrites) {
    const auto secret = read_secret_description(
        "<secret ephemeral='no' private='no'>\n  <uuid>4b33363a-60e0-4c34-a3ae-c975a5370ee2</uuid>\n"
        "  <description>x</description>\n  <usage type='volume'>\n    <volume>a&amp;b</volume>\n  "
        "</usage>\n</secret>\n");
    ASSERT_TRUE(secret);
    ASSERT_TRUE(*secret);
    EXPECT_EQ((*secret)->uuid.str(), Uuid);
    EXPECT_EQ((*secret)->volume.str(), "a&b");
    EXPECT_FALSE((*secret)->is_ephemeral);
    EXPECT_FALSE((*secret)->is_ours());
}

TEST(SecretDescription, OursAreEphemeralAndPrivate) {
    const auto secret = read_secret_description(*secret_definition(VolumeId("v"), SecretUuid(Uuid)));
    EXPECT_TRUE((*secret)->is_ours());
    const auto readable =
        read_secret_description("<secret ephemeral='yes'><usage type='volume'><volume>v</volume></usage></secret>");
    EXPECT_FALSE((*readable)->is_ours());
}

TEST(SecretDescription, LeavesSecretsForOtherThings) {
    const auto vtpm = read_secret_description(
        "<secret ephemeral='yes' private='yes'><usage type='vtpm'><name>n</name></usage></secret>");
    ASSERT_TRUE(vtpm);
    EXPECT_FALSE(*vtpm);
    EXPECT_FALSE(*read_secret_description("<secret/>"));
}

TEST(SecretDescription, RefusesWhatIsNone) {
    EXPECT_EQ(read_secret_description("<domain/>").error().code, Code::InvalidInput);
    EXPECT_EQ(read_secret_description("<secret>").error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::libvirt
