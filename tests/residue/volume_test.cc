#include <gtest/gtest.h>

#include <fstream>

#include "integrations/volume/volume_encryptor.h"
#include "tests/residue/canary.h"

namespace sallyport::residue {
namespace {

using volume::KeyKind;
using volume::LuksVersion;
using volume::Passphrase;
using volume::UnlockProfile;

class VolumeFlow : public testing::Test {
protected:
    volume::DevicePath blank_image() const {
        const std::string path = folder_.file("disk.img");
        { const std::ofstream made(path); }
        std::filesystem::resize_file(path, 32 << 20);
        return volume::DevicePath(path);
    }

    /// Formats with the key, tries it and a wrong one, and looks for it in between and afterwards.
    void format_and_test(const volume::FormatOptions& options) {
        const auto volumes = volume::make_luks_encryptor();
        const volume::DevicePath image = blank_image();
        std::vector<Needle> needles;
        {
            SecureBytes key = make_canary();
            needles = shapes_of(key);
            const auto passphrase = Passphrase::from_key(std::move(key), KeyKind::Symmetric);
            ASSERT_TRUE(passphrase);
            const auto formatted = volumes->format(image, *passphrase, options);
            ASSERT_TRUE(formatted) << formatted.error().message;
            ASSERT_TRUE(volumes->test(image, *passphrase));
            EXPECT_FALSE(volumes->test(image, *Passphrase::from_key(make_canary(), KeyKind::Symmetric)));
            expect_in_the_arena_only(needles);
        }
        expect_nowhere(needles);
    }

private:
    TemporaryFolder folder_;
};

TEST_F(VolumeFlow, APassphraseIsTheOnlyThingThatIsLeftOfItsKey) {
    SecureBytes key = make_canary();
    auto needles = shapes_of(key);
    {
        const auto passphrase = Passphrase::from_key(std::move(key), KeyKind::Symmetric);
        ASSERT_TRUE(passphrase);
        const auto found = scan(needles);
        ASSERT_EQ(found.size(), 1U) << to_text(found);
        EXPECT_TRUE(found[0].in_arena);
        EXPECT_EQ(found[0].needle, "hex");
    }
    expect_nowhere(needles);
}

TEST_F(VolumeFlow, Luks1) { format_and_test({.version = LuksVersion::Luks1}); }
TEST_F(VolumeFlow, Luks2) { format_and_test({.version = LuksVersion::Luks2}); }
TEST_F(VolumeFlow, Luks2WithArgon2) { format_and_test({.profile = UnlockProfile::Passphrase}); }

}  // namespace
}  // namespace sallyport::residue
