#include "integrations/libvirt/libvirt.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "tests/residue/canary.h"

// Run by tests/integration/libvirt, which starts the libvirtd at SALLYPORT_LIBVIRT_URI.
namespace sallyport::residue {
namespace {

TEST(LibvirtFlow, LeavesNothingOfAPassphraseInThisProcess) {
    const char* uri = std::getenv("SALLYPORT_LIBVIRT_URI");
    ASSERT_NE(uri, nullptr);
    const auto hypervisor = libvirt::make_libvirt({.uri = uri});
    const libvirt::VolumeId volume(random_uuid());
    std::vector<Needle> needles;
    {
        const SecureBytes key = make_canary();
        needles = shapes_of(key);
        const auto passphrase = to_hex_secure(key);
        ASSERT_TRUE(passphrase);
        // The second time the secret is there, and only its value is set.
        for (int i = 0; i < 2; ++i) {
            const auto put = hypervisor->put_secret({.volume = volume}, *passphrase);
            ASSERT_TRUE(put) << put.error().message;
        }
        EXPECT_EQ(to_text(outside_arena(scan(needles))), "");
    }
    EXPECT_EQ(to_text(scan(needles)), "");
    EXPECT_TRUE(hypervisor->drop_secret(volume, libvirt::ForeignSecret::Refuse));
}

}  // namespace
}  // namespace sallyport::residue
