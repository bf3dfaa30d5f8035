#include "migration/plan.h"

#include <gtest/gtest.h>

namespace sallyport::migration {
namespace {

constexpr const char* RealKey = "2b7c2a54-9d3e-4a5f-8a57-0f7c0b9a6c11";
constexpr const char* OtherKey = "7d0c8b0e-1111-4a5f-8a57-0f7c0b9a6c11";

/// A catalog in the making.
class World {
public:
    CinderRow& volume(const std::string& id, const char* key) { return add(catalog.volumes, Kind::Volume, id, key); }
    CinderRow& snapshot(const std::string& id, const std::string& volume, const char* key) {
        CinderRow& row = add(catalog.snapshots, Kind::Snapshot, id, key);
        row.volume = text(volume);
        return row;
    }
    CinderRow& backup(const std::string& id, const std::string& volume, const char* key) {
        CinderRow& row = add(catalog.backups, Kind::Backup, id, key);
        row.volume = text(volume);
        return row;
    }
    Text text(const std::string& text) { return &*catalog.texts.insert(text).first; }

    /// The plan's word on a row.
    PlanRow judged(const std::string& id) const {
        plan = make_plan(catalog, facts, options);
        for (const PlanRow& row : plan.rows) {
            if (row.row->id == id) return row;
        }
        ADD_FAILURE() << id << " is not in the plan";
        return {};
    }

    Catalog catalog{};
    PlanFacts facts{};
    PlanOptions options{};
    mutable Plan plan{};

private:
    CinderRow& add(std::vector<CinderRow>& rows, Kind kind, const std::string& id, const char* key) {
        CinderRow row;
        row.kind = kind;
        row.id = id;
        row.user = text("user");
        row.project = text("project");
        row.host = text("node1@lvm#pool");
        row.provider = text("luks");
        if (key != nullptr) row.key_id = text(key);
        rows.push_back(row);
        return rows.back();
    }
};

constexpr const char* Zero = ZeroKeyId.data();

TEST(Plan, AVolumeWithTheZeroIdIsMigratedAndItsSnapshotsFollow) {
    World world;
    world.volume("v", Zero);
    world.snapshot("s", "v", Zero);
    EXPECT_EQ(world.judged("v").state, State::Old);
    EXPECT_EQ(world.judged("v").action, Action::Migrate);
    EXPECT_EQ(world.judged("s").action, Action::Follow);
    EXPECT_EQ(world.plan.to_store, 1);
    EXPECT_EQ(world.plan.need_human, 0);
}

TEST(Plan, WhatADeadRunStoredIsAdopted) {
    World world;
    world.volume("v", Zero);
    world.facts.stored.emplace(key_name(Kind::Volume, "v"), SecretId(RealKey));
    EXPECT_EQ(world.judged("v").state, State::Stored);
    EXPECT_EQ(world.plan.to_store, 0);
}

TEST(Plan, AHeaderThatOpensWithAnotherKeyIsNeverTouched) {
    World world;
    world.volume("v", Zero);
    world.snapshot("s", "v", Zero);
    world.facts.headers.emplace("v", ProbeResult::WrongKey);
    EXPECT_EQ(world.judged("v").state, State::Foreign);
    EXPECT_EQ(world.judged("v").action, Action::None);
    EXPECT_EQ(world.judged("s").action, Action::None);
    EXPECT_TRUE(world.judged("s").needs_human);
}

TEST(Plan, DataWithoutAHeaderIsSuspectUnlessItsTypeIsPlain) {
    World world;
    world.volume("v", Zero);
    world.facts.headers.emplace("v", ProbeResult::NoHeader);
    EXPECT_EQ(world.judged("v").state, State::Suspect);
    world.catalog.volumes[0].provider = world.text("nova.volume.encryptors.cryptsetup.CryptsetupEncryptor");
    EXPECT_EQ(world.judged("v").state, State::Old);
    EXPECT_EQ(world.judged("v").action, Action::Migrate);
}

TEST(Plan, ABlankVolumeIsMigratedSinceItWillBeFormattedWithTheKey) {
    World world;
    world.volume("v", Zero);
    world.facts.headers.emplace("v", ProbeResult::NeverUsed);
    EXPECT_EQ(world.judged("v").state, State::NeverUsed);
    EXPECT_EQ(world.judged("v").action, Action::Migrate);
}

TEST(Plan, SnapshotsThatAMigrationLeftBehindAreRepaired) {
    World world;
    world.volume("v", RealKey);
    world.snapshot("s", "v", Zero);
    EXPECT_EQ(world.judged("s").state, State::Half);
    EXPECT_EQ(world.judged("s").action, Action::Repair);
    world.facts.keys.emplace(RealKey, KeyState::Missing);
    EXPECT_EQ(world.judged("s").action, Action::Migrate) << "a key that is lost opens no snapshot either";
}

TEST(Plan, ASnapshotOfAVolumeThatIsGoneGetsAKeyOfItsOwn) {
    World world;
    world.volume("v", Zero).deleted = true;
    world.snapshot("s", "v", Zero);
    world.snapshot("t", "never heard of", Zero);
    EXPECT_EQ(world.judged("v").state, State::Ignore);
    EXPECT_EQ(world.judged("s").action, Action::Migrate);
    EXPECT_EQ(world.judged("t").action, Action::Migrate);
}

TEST(Plan, AnotherKeyOfASnapshotIsLeftAlone) {
    World world;
    world.volume("v", Zero);
    world.snapshot("s", "v", OtherKey);
    EXPECT_EQ(world.judged("s").state, State::Unknown);
    EXPECT_EQ(world.judged("s").action, Action::None);
    world.facts.stored.emplace(key_name(Kind::Snapshot, "s"), SecretId(OtherKey));
    EXPECT_EQ(world.judged("s").state, State::Done) << "it is the one that a migration gave it";
}

TEST(Plan, WhatTheKeyManagerSaysOfAKeyDecides) {
    World world;
    world.volume("v", RealKey);
    EXPECT_EQ(world.judged("v").state, State::Done);
    world.facts.keys[RealKey] = KeyState::Missing;
    EXPECT_EQ(world.judged("v").state, State::Lost);
    EXPECT_TRUE(world.judged("v").needs_human);
    world.facts.keys[RealKey] = KeyState::Refused;
    EXPECT_EQ(world.judged("v").state, State::NoAccess);
    EXPECT_EQ(world.judged("v").action, Action::Grant);
}

TEST(Plan, ALostKeyIsReplacedOnlyWhereTheHeaderProvesTheFixedKeyAndSomebodySaysSo) {
    World world;
    world.volume("v", RealKey);
    world.facts.keys[RealKey] = KeyState::Missing;
    world.facts.headers.emplace("v", ProbeResult::Opens);
    EXPECT_EQ(world.judged("v").action, Action::None);
    world.options.relink_lost = true;
    EXPECT_EQ(world.judged("v").action, Action::Migrate);
    world.facts.headers["v"] = ProbeResult::WrongKey;
    EXPECT_EQ(world.judged("v").action, Action::None);
}

TEST(Plan, RowsWithoutAnOwnerNeedAHuman) {
    World world;
    world.volume("no user", Zero).user = nullptr;
    world.volume("empty user", Zero).user = world.text("");
    world.volume("no project", Zero).project = nullptr;
    world.volume("odd user", Zero).user = world.text("a\nb");
    for (const char* id : {"no user", "empty user", "no project", "odd user"}) {
        EXPECT_TRUE(world.judged(id).needs_human) << id;
        EXPECT_EQ(world.judged(id).action, Action::None) << id;
    }
    EXPECT_EQ(world.plan.need_human, 4);
}

TEST(Plan, OddIdsAreNeitherZeroNorKeys) {
    World world;
    for (const char* id : {"", "00000000000000000000000000000000", "2B7C2A54-9D3E-4A5F-8A57-0F7C0B9A6C11", "zzz",
                           "00000000-0000-0000-0000-00000000000"}) {
        world.volume("v " + std::string(id), id);
        EXPECT_EQ(world.judged("v " + std::string(id)).state, State::Unknown) << id;
    }
}

TEST(Plan, NoIdIsUnknownOnlyWhereTheTypeIsEncrypted) {
    World world;
    world.volume("v", nullptr);
    world.volume("plain", nullptr).provider = nullptr;
    EXPECT_EQ(world.judged("v").state, State::Unknown);
    EXPECT_EQ(world.judged("plain").state, State::Ignore);
}

TEST(Plan, BackupsOfBeforeQueensAreAHumansBusiness) {
    World world;
    world.volume("v", RealKey);
    world.backup("old", "v", nullptr);
    world.backup("imported", Zero, nullptr);
    world.backup("zero", "v", Zero);
    EXPECT_EQ(world.judged("old").state, State::Unknown);
    EXPECT_EQ(world.judged("imported").state, State::Unknown);
    EXPECT_EQ(world.judged("zero").action, Action::Migrate);
}

TEST(Plan, AHostMeansItsPoolsAndBackendsAndNothingThatOnlyLooksLikeIt) {
    World world;
    const auto is_in = [&world](const char* of_row, const char* asked) {
        CinderRow row;
        row.host = of_row == nullptr ? nullptr : world.text(of_row);
        return is_on_host(row, asked);
    };
    EXPECT_TRUE(is_in("node1@lvm#pool", "node1@lvm"));
    EXPECT_TRUE(is_in("node1@lvm", "node1@lvm"));
    EXPECT_TRUE(is_in("node1@lvm#pool", "node1"));
    EXPECT_FALSE(is_in("node1@lvm2#pool", "node1@lvm"));
    EXPECT_FALSE(is_in("NODE1@lvm#pool", "node1@lvm"));
    EXPECT_FALSE(is_in("node1@lvmx#pool", "node1@lv_x")) << "no wildcards";
    EXPECT_FALSE(is_in(nullptr, "node1"));
    EXPECT_TRUE(is_in(nullptr, "")) << "all hosts, and none";
}

}  // namespace
}  // namespace sallyport::migration
