#include "tests/conformance/libvirt/hypervisor_conformance.h"

#include <algorithm>
#include <optional>
#include <set>

#include "keymanager/base/bytes.h"
#include "keymanager/base/uuid.h"

namespace sallyport::libvirt {
namespace {

/// A hypervisor and one volume whose secret is dropped at the end, whoever made it.
class VolumeOnHypervisor {
public:
    explicit VolumeOnHypervisor(HypervisorUnderTest under_test) : under_test_(std::move(under_test)) {}
    ~VolumeOnHypervisor() { EXPECT_TRUE(hypervisor().drop_secret(volume, ForeignSecret::Replace)); }
    VolumeOnHypervisor(const VolumeOnHypervisor&) = delete;
    VolumeOnHypervisor& operator=(const VolumeOnHypervisor&) = delete;

    Hypervisor& hypervisor() { return *under_test_.hypervisor; }
    Result<SecretUuid> put(std::optional<SecretUuid> uuid = {}, ForeignSecret if_foreign = ForeignSecret::Refuse) {
        return hypervisor().put_secret({volume, std::move(uuid), if_foreign},
                                       *SecureBytes::copy_of(bytes_of("opens it")));
    }
    std::optional<VolumeSecret> listed() {
        const auto all = hypervisor().list_secrets();
        EXPECT_TRUE(all);
        const auto found = std::ranges::find(*all, volume, &VolumeSecret::volume);
        return found == all->end() ? std::nullopt : std::optional(*found);
    }
    SecretUuid define_foreign(bool ephemeral) {
        const SecretUuid uuid(random_uuid());
        under_test_.define_foreign({uuid, volume, ephemeral, false});
        return uuid;
    }

    const VolumeId volume{random_uuid()};

private:
    HypervisorUnderTest under_test_;
};

TEST_P(HypervisorConformance, ASecretIsEphemeralAndPrivateAndBearsTheVolumesId) {
    VolumeOnHypervisor on{GetParam()()};
    const auto uuid = on.put();
    ASSERT_TRUE(uuid) << uuid.error().message;
    EXPECT_EQ(uuid->str(), on.volume.str());
    ASSERT_TRUE(on.listed());
    EXPECT_TRUE(on.listed()->is_ours());
    EXPECT_EQ(on.listed()->uuid, *uuid);
}

TEST_P(HypervisorConformance, AGivenUuidIsUsed) {
    VolumeOnHypervisor on{GetParam()()};
    const SecretUuid uuid(random_uuid());
    ASSERT_TRUE(on.put(uuid));
    EXPECT_EQ(on.listed()->uuid, uuid);
}

TEST_P(HypervisorConformance, PuttingAgainKeepsTheUuid) {
    VolumeOnHypervisor on{GetParam()()};
    const SecretUuid uuid(random_uuid());
    ASSERT_TRUE(on.put(uuid));
    const auto again = on.put();
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, uuid);
}

TEST_P(HypervisorConformance, AnotherUuidReplacesOurs) {
    VolumeOnHypervisor on{GetParam()()};
    ASSERT_TRUE(on.put());
    const SecretUuid uuid(random_uuid());
    const auto replaced = on.put(uuid);
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(on.listed()->uuid, uuid);
}

TEST_P(HypervisorConformance, AUuidOfAnotherVolumeIsAConflictAndNothingChanges) {
    VolumeOnHypervisor on{GetParam()()};
    VolumeOnHypervisor other{GetParam()()};
    const SecretUuid taken(random_uuid());
    ASSERT_TRUE(on.put());
    ASSERT_TRUE(on.hypervisor().put_secret({other.volume, taken}, *SecureBytes::copy_of(bytes_of("other"))));
    const auto refused = on.put(taken);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_EQ(on.listed()->uuid.str(), on.volume.str());
    ASSERT_TRUE(on.hypervisor().drop_secret(other.volume, ForeignSecret::Refuse));
}

TEST_P(HypervisorConformance, APersistentSecretIsRefusedUnlessToBeReplaced) {
    VolumeOnHypervisor on{GetParam()()};
    const SecretUuid foreign = on.define_foreign(false);
    const auto refused = on.put();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Refused);
    EXPECT_FALSE(on.listed()->is_ephemeral);

    const auto replaced = on.put({}, ForeignSecret::Replace);
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(*replaced, foreign) << "domains ask for it by this uuid";
    EXPECT_TRUE(on.listed()->is_ours());
}

TEST_P(HypervisorConformance, AnEphemeralSecretThatAnybodyMayReadIsForeignToo) {
    VolumeOnHypervisor on{GetParam()()};
    on.define_foreign(true);
    ASSERT_FALSE(on.put());
    ASSERT_TRUE(on.put({}, ForeignSecret::Replace));
    EXPECT_TRUE(on.listed()->is_private);
}

TEST_P(HypervisorConformance, DropForgetsAndSaysWhetherThereWasOne) {
    VolumeOnHypervisor on{GetParam()()};
    ASSERT_TRUE(on.put());
    const auto dropped = on.hypervisor().drop_secret(on.volume, ForeignSecret::Refuse);
    ASSERT_TRUE(dropped) << dropped.error().message;
    EXPECT_TRUE(*dropped);
    EXPECT_FALSE(on.listed());
    EXPECT_FALSE(*on.hypervisor().drop_secret(on.volume, ForeignSecret::Refuse));
}

TEST_P(HypervisorConformance, DropLeavesAForeignSecretUnlessTold) {
    VolumeOnHypervisor on{GetParam()()};
    on.define_foreign(false);
    const auto refused = on.hypervisor().drop_secret(on.volume, ForeignSecret::Refuse);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Refused);
    ASSERT_TRUE(on.listed());
    EXPECT_TRUE(*on.hypervisor().drop_secret(on.volume, ForeignSecret::Replace));
}

TEST_P(HypervisorConformance, RefusesIdsAndPassphrasesThatCannotBe) {
    VolumeOnHypervisor on{GetParam()()};
    const auto passphrase = SecureBytes::copy_of(bytes_of("x"));
    EXPECT_EQ(on.hypervisor().put_secret({VolumeId("")}, *passphrase).error().code, Code::InvalidInput);
    EXPECT_EQ(on.put(SecretUuid("not-a-uuid")).error().code, Code::InvalidInput);
    EXPECT_EQ(on.hypervisor().put_secret({on.volume}, SecureBytes()).error().code, Code::InvalidInput);
    EXPECT_FALSE(on.listed());
}

TEST_P(HypervisorConformance, AnUnknownDomainIsNotFound) {
    const auto under_test = GetParam()();
    const auto xml = under_test.hypervisor->domain_xml("no-such-domain");
    ASSERT_FALSE(xml);
    EXPECT_EQ(xml.error().code, Code::NotFound);
    EXPECT_EQ(under_test.hypervisor->start_if_autostart("no-such-domain").error().code, Code::NotFound);
}

TEST_P(HypervisorConformance, AHypervisorThatIsThereAnswersAndRunsNothingByItself) {
    const auto under_test = GetParam()();
    EXPECT_TRUE(under_test.hypervisor->answers(std::chrono::seconds(10)));
    const auto running = under_test.hypervisor->running_domains();
    ASSERT_TRUE(running) << running.error().message;
    EXPECT_TRUE(running->empty());
}

}  // namespace
}  // namespace sallyport::libvirt
