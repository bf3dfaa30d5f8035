#include "agent/guests/plan.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::guests {
namespace {

using libvirt::SecretUuid;
using libvirt::VolumeId;
using libvirt::VolumeSecret;
using std::chrono::seconds;

constexpr auto Uuid = "4b33363a-60e0-4c34-a3ae-c975a5370ee2";
constexpr auto OtherUuid = "5c33363a-60e0-4c34-a3ae-c975a5370ee3";
const VolumeId Volume("v1");
const Moment Start{};
constexpr seconds Patience{300};

Need need(const std::string& volume = "v1", std::optional<SecretUuid> uuid = std::nullopt) {
    return {VolumeId(volume), std::move(uuid), "web1", "vda", "/dev/sdb"};
}
VolumeSecret ours(const std::string& volume = "v1", const std::string& uuid = Uuid) {
    return {SecretUuid(uuid), VolumeId(volume), true, true};
}
VolumeSecret novas(const std::string& volume = "v1", const std::string& uuid = Uuid) {
    return {SecretUuid(uuid), VolumeId(volume), false, false};
}

class PlanTest : public testing::Test {
protected:
    Plan plan(std::vector<Need> needs, const std::vector<VolumeSecret>& held, seconds after = seconds(0)) {
        return make_plan(std::move(needs), held, notes, Start + after, Patience);
    }
    void place(const VolumeId& volume = Volume) { notes[volume].placed = SecretId("key"); }

    Notes notes;
};

TEST_F(PlanTest, WhatIsNeededAndNotThereIsPut) {
    const Plan first = plan({need()}, {});
    ASSERT_EQ(first.put.size(), 1U);
    EXPECT_EQ(first.put.front().domain, "web1");
    EXPECT_TRUE(first.drop.empty());
}

TEST_F(PlanTest, WhatIsThereWithAValueOfOursIsKept) {
    place();
    const Plan next = plan({need()}, {ours()});
    EXPECT_EQ(next.keep.size(), 1U);
    EXPECT_TRUE(next.put.empty());
}

TEST_F(PlanTest, AValueThatWeDidNotSetIsSetAgain) {
    EXPECT_EQ(plan({need()}, {ours()}).put.size(), 1U) << "the agent or libvirtd was restarted";
}

TEST_F(PlanTest, ASecretThatHasVanishedIsPutAgain) {
    place();
    EXPECT_EQ(plan({need()}, {}).put.size(), 1U);
}

TEST_F(PlanTest, AnotherUuidThanTheDomainAsksForIsReplaced) {
    place();
    EXPECT_EQ(plan({need("v1", SecretUuid(OtherUuid))}, {ours()}).put.size(), 1U);
}

TEST_F(PlanTest, ASecretThatIsNotOursIsLeftWhetherItIsNeededOrNot) {
    const Plan needed = plan({need()}, {novas()});
    EXPECT_EQ(needed.foreign.size(), 1U);
    EXPECT_TRUE(needed.left.empty());
    EXPECT_TRUE(needed.put.empty());
    const Plan idle = plan({}, {novas()});
    EXPECT_EQ(idle.left.size(), 1U);
    EXPECT_TRUE(idle.drop.empty());
}

TEST_F(PlanTest, WhatWasInUseIsDroppedAtOnceWhenNobodyNeedsItAnyMore) {
    plan({need()}, {ours()});
    EXPECT_EQ(plan({}, {ours()}, seconds(1)).drop, std::vector{Volume});
}

TEST_F(PlanTest, WhatAnotherDomainStillNeedsIsKept) {
    Need second = need();
    second.domain = "web2";
    plan({need(), second}, {ours()});
    place();
    const Plan next = plan({second}, {ours()});
    EXPECT_TRUE(next.drop.empty());
    EXPECT_EQ(next.keep.front().domain, "web2");
}

TEST_F(PlanTest, ADiskOfTwoDomainsIsPutOnce) { EXPECT_EQ(plan({need(), need()}, {}).put.size(), 1U); }

TEST_F(PlanTest, WhatNobodyIsKnownToHaveAskedForIsKeptForAWhile) {
    EXPECT_EQ(plan({}, {ours()}).keep_a_while, std::vector{Volume});
    EXPECT_EQ(plan({}, {ours()}, Patience - seconds(1)).keep_a_while, std::vector{Volume});
    EXPECT_EQ(plan({}, {ours()}, Patience).drop, std::vector{Volume});
}

TEST_F(PlanTest, WhatWasPutForADomainToComeIsKeptUntilItsTime) {
    notes[Volume].seen_in_use = true;
    notes[Volume].kept_until = Start + seconds(10);
    EXPECT_EQ(plan({}, {ours()}, seconds(9)).keep_a_while, std::vector{Volume});
    EXPECT_EQ(plan({}, {ours()}, seconds(10)).drop, std::vector{Volume});
}

TEST_F(PlanTest, OnceTheDomainHasComeTheSecretGoesWithIt) {
    notes[Volume].kept_until = Start + seconds(100);
    plan({need()}, {ours()}, seconds(1));
    EXPECT_EQ(plan({}, {ours()}, seconds(2)).drop, std::vector{Volume});
}

TEST_F(PlanTest, WhatIsSomebodyElsesIsNotDropped) {
    notes[Volume].is_somebody_elses = true;
    const Plan next = plan({}, {ours()}, Patience * 2);
    EXPECT_TRUE(next.drop.empty());
    EXPECT_TRUE(next.keep_a_while.empty());
}

TEST_F(PlanTest, TheHypervisorKnowsTheVolumeOfAUuid) {
    const Plan next = plan({need(Uuid, SecretUuid(Uuid))}, {novas("v7")});
    ASSERT_EQ(next.foreign.size(), 1U);
    EXPECT_EQ(next.foreign.front().volume.str(), "v7");
}

TEST_F(PlanTest, NotesOfWhatIsOverAreForgotten) {
    plan({need()}, {ours()});
    plan({}, {});
    EXPECT_TRUE(notes.empty());
    notes[Volume].kept_until = Start + seconds(10);
    plan({}, {}, seconds(9));
    EXPECT_EQ(notes.size(), 1U) << "a hook has announced it, and puts it next";
    plan({}, {}, seconds(10));
    EXPECT_TRUE(notes.empty());
}

TEST(NeedsOf, SaysVolumeUuidDiskAndDevice) {
    const auto needs = needs_of(
        "web1",
        "<domain><devices><disk><source file='/i'/><encryption format='luks'><secret type='passphrase' "
        "uuid='4b33363a-60e0-4c34-a3ae-c975a5370ee2'/></encryption><target dev='vda'/><serial>v1</serial></disk>"
        "<disk><encryption format='luks'><secret type='passphrase' uuid='5c33363a-60e0-4c34-a3ae-c975a5370ee3'/>"
        "</encryption><target dev='vdb'/></disk>"
        "<disk><encryption format='luks'><secret type='passphrase' "
        "usage='v3'/></encryption></disk></devices></domain>");
    ASSERT_TRUE(needs) << needs.error().message;
    ASSERT_EQ(needs->size(), 3U);
    EXPECT_EQ(needs->at(0).volume.str(), "v1");
    EXPECT_EQ(needs->at(0).uuid->str(), Uuid);
    EXPECT_EQ(needs->at(0).disk, "vda");
    EXPECT_EQ(needs->at(0).device, "/i");
    EXPECT_EQ(needs->at(1).volume.str(), OtherUuid) << "a volume that is not named bears its secret's uuid";
    EXPECT_EQ(needs->at(2).volume.str(), "v3");
    EXPECT_FALSE(needs->at(2).uuid);
    EXPECT_FALSE(needs_of("web1", "<secret/>"));
}

}  // namespace
}  // namespace sallyport::guests
