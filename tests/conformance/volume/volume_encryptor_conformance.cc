#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/fake_volume_encryptor.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

/// An encryptor under test, with the means to make devices for it.
struct EncryptorUnderTest {
    std::shared_ptr<Scratch> scratch;  ///< owners: this and the functions below
    std::unique_ptr<VolumeEncryptor> volumes;
    std::function<DevicePath()> blank_device;
    std::function<DevicePath()> device_with_data;
};
using EncryptorFactory = std::function<EncryptorUnderTest()>;

EncryptorUnderTest luks() {
    auto scratch = std::make_shared<Scratch>();
    const auto blank = [scratch] { return scratch->zeros("blank.img", 64 << 20); };
    const auto with_data = [scratch] {
        const DevicePath device = scratch->zeros("data.img", 64 << 20);
        write_at(device.str(), 1 << 20, "somebody's data");
        return device;
    };
    return {scratch, make_luks_encryptor(), blank, with_data};
}

EncryptorUnderTest fake() {
    auto volumes = std::make_unique<FakeVolumeEncryptor>();
    FakeVolumeEncryptor& it = *volumes;
    const auto blank = [&it] {
        it.add_device(DevicePath("blank"));
        return DevicePath("blank");
    };
    const auto with_data = [&it] {
        it.add_device(DevicePath("data"), Content::UnknownData);
        return DevicePath("data");
    };
    return {nullptr, std::move(volumes), blank, with_data};
}

class VolumeEncryptorConformance : public testing::TestWithParam<EncryptorFactory> {
protected:
    EncryptorUnderTest under_test_ = GetParam()();
    VolumeEncryptor& volumes_ = *under_test_.volumes;
};

TEST_P(VolumeEncryptorConformance, CallsANewDeviceBlank) {
    const auto facts = volumes_.inspect(under_test_.blank_device());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->content, Content::Blank);
    EXPECT_FALSE(facts->luks);
}

TEST_P(VolumeEncryptorConformance, FormatsABlankDeviceForItsKeyAlone) {
    const DevicePath device = under_test_.blank_device();
    const auto formatted = volumes_.format(device, passphrase_of(KeyHex), {.key_bits = 256, .sector_size = 4096});
    ASSERT_TRUE(formatted) << formatted.error().message;
    const VolumeFacts facts = volumes_.inspect(device).value();
    ASSERT_TRUE(facts.luks);
    EXPECT_EQ(facts.luks->version, LuksVersion::Luks2);
    EXPECT_EQ(facts.luks->cipher, "aes-xts-plain64");
    EXPECT_EQ(facts.luks->key_bits, 256u);
    EXPECT_EQ(facts.luks->sector_size, 4096u);
    EXPECT_EQ(volumes_.test(device, passphrase_of(KeyHex)).value(), 0);
    const auto wrong = volumes_.test(device, passphrase_of(OtherKeyHex));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::WrongKey);
    EXPECT_EQ(wrong.error().message, "this key opens no key slot of " + device.str() + " (LUKS2, slots 0)");
}

TEST_P(VolumeEncryptorConformance, FormatRefusesDataUnlessForced) {
    const DevicePath device = under_test_.device_with_data();
    const auto refused = volumes_.format(device, passphrase_of(KeyHex), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Refused);
    EXPECT_FALSE(volumes_.inspect(device)->luks);
    ASSERT_TRUE(volumes_.format(device, passphrase_of(KeyHex), {.force = true}));
    EXPECT_TRUE(volumes_.test(device, passphrase_of(KeyHex)));
}

TEST_P(VolumeEncryptorConformance, FormatRefusesAVolumeUnlessForced) {
    const DevicePath device = under_test_.blank_device();
    ASSERT_TRUE(volumes_.format(device, passphrase_of(KeyHex), {}));
    EXPECT_EQ(volumes_.format(device, passphrase_of(OtherKeyHex), {}).error().code, Code::Refused);
    EXPECT_TRUE(volumes_.test(device, passphrase_of(KeyHex)));
    ASSERT_TRUE(volumes_.format(device, passphrase_of(OtherKeyHex), {.force = true}));
    EXPECT_FALSE(volumes_.test(device, passphrase_of(KeyHex)));
}

TEST_P(VolumeEncryptorConformance, FormatRefusesTheRandomKeyProfileForAPassphrase) {
    const DevicePath device = under_test_.blank_device();
    EXPECT_EQ(volumes_.format(device, typed_passphrase("correct horse"), {}).error().code, Code::Refused);
    EXPECT_EQ(volumes_.inspect(device)->content, Content::Blank);
}

TEST_P(VolumeEncryptorConformance, SaysThatADeviceDoesNotExist) {
    const DevicePath none("/nonexistent/disk");
    EXPECT_EQ(volumes_.inspect(none).error().code, Code::NotFound);
    EXPECT_EQ(volumes_.test(none, passphrase_of(KeyHex)).error().code, Code::NotFound);
    EXPECT_EQ(volumes_.format(none, passphrase_of(KeyHex), {}).error().code, Code::NotFound);
    EXPECT_EQ(volumes_.open(none, passphrase_of(KeyHex), MappingName("x"), {}).error().code, Code::NotFound);
}

TEST_P(VolumeEncryptorConformance, NeitherTestsNorOpensWhatIsNoVolume) {
    const DevicePath device = under_test_.blank_device();
    EXPECT_EQ(volumes_.test(device, passphrase_of(KeyHex)).error().code, Code::InvalidInput);
    EXPECT_EQ(volumes_.open(device, passphrase_of(KeyHex), MappingName("x"), {}).error().code, Code::InvalidInput);
}

TEST_P(VolumeEncryptorConformance, CloseOfNoMappingSaysSo) {
    EXPECT_EQ(volumes_.close(MappingName("sallyport-none")).error().code, Code::NotFound);
    EXPECT_TRUE(volumes_.mappings());
}

INSTANTIATE_TEST_SUITE_P(Luks, VolumeEncryptorConformance, testing::Values(luks));
INSTANTIATE_TEST_SUITE_P(Fake, VolumeEncryptorConformance, testing::Values(fake));

}  // namespace
}  // namespace sallyport::volume
