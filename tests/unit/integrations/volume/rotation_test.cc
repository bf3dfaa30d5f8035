#include "integrations/volume/rotation.h"

#include <gtest/gtest.h>

#include <compare>
#include <deque>
#include <map>
#include <set>
#include <vector>

namespace sallyport::volume {
namespace {

/// Which keys a header opens with.
struct Slots {
    bool old_key = false;
    bool new_key = false;
    friend auto operator<=>(const Slots&, const Slots&) = default;
};

/// Everything that survives a crash.
struct World {
    Slots slots;
    bool torn = false;  ///< the header on the device is damaged: nothing opens
    RecordedKey record = RecordedKey::Unknown;
    bool keeps_copies = true;
    std::vector<Slots> copies;  ///< the newest last
    friend auto operator<=>(const World&, const World&) = default;
};

RotationSight sight_of(const World& world) {
    RotationSight sight;
    sight.old_opens = !world.torn && world.slots.old_key;
    sight.new_opens = !world.torn && world.slots.new_key;
    sight.record = world.record;
    if (!world.keeps_copies) return sight;
    sight.copy_is_current = !world.torn && !world.copies.empty() && world.copies.back() == world.slots;
    sight.has_older_copies = world.copies.size() > 1;
    return sight;
}

World after(World world, RotationStep step) {
    switch (step) {
        case RotationStep::RecordIntent: world.record = RecordedKey::OldToNew; break;
        case RotationStep::KeepCopy: world.copies.push_back(world.slots); break;
        case RotationStep::AddNew: world.slots.new_key = true; break;
        case RotationStep::SwitchRecord: world.record = RecordedKey::Switched; break;
        case RotationStep::RemoveOld: world.slots.old_key = false; break;
        case RotationStep::DropOldCopies: world.copies.erase(world.copies.begin(), world.copies.end() - 1); break;
        case RotationStep::FinishRecord: world.record = RecordedKey::New; break;
        case RotationStep::Done: break;
    }
    return world;
}

bool changes_header(RotationStep step) { return step == RotationStep::AddNew || step == RotationStep::RemoveOld; }

/// What an attempt at a step may leave: what was there before (killed before it, an error, a write that was lost
/// though it was reported), what was meant (done, or killed after it), or a header that is torn.
std::vector<World> outcomes(const World& world, RotationStep step) {
    std::vector<World> all{world, after(world, step)};
    if (changes_header(step) && world.keeps_copies) {
        World torn = world;
        torn.torn = true;
        all.push_back(torn);
    }
    return all;
}

/// `header restore` of the newest copy.
World restored(World world) {
    world.torn = false;
    world.slots = world.copies.back();
    return world;
}

/// All that can be reached, by any number of attempts that end anywhere.
std::set<World> reachable_from(const World& start) {
    std::set<World> seen{start};
    std::deque<World> open{start};
    while (!open.empty()) {
        const World world = open.front();
        open.pop_front();
        std::vector<World> next;
        if (world.torn) {
            if (!world.copies.empty()) next.push_back(restored(world));
        } else {
            const auto step = next_step(sight_of(world));
            EXPECT_TRUE(step);
            if (step) next = outcomes(world, *step);
        }
        for (const World& one : next) {
            if (seen.insert(one).second) open.push_back(one);
        }
        EXPECT_LT(seen.size(), 10'000u);
    }
    return seen;
}

bool named_key_opens(RecordedKey record, const Slots& slots) {
    switch (record) {
        case RecordedKey::NotKept:
        case RecordedKey::Unknown: return slots.old_key || slots.new_key;
        case RecordedKey::Old:
        case RecordedKey::OldToNew: return slots.old_key;
        case RecordedKey::Switched:
        case RecordedKey::New: return slots.new_key;
    }
    return false;
}

/// Where a rotation may begin: the record right, not there, or (somebody put an old header back) wrong; copies none,
/// stale, right; a rotation without a key manager.
std::vector<World> beginnings() {
    std::vector<World> worlds;
    const Slots only_old{.old_key = true};
    worlds.push_back({.slots = only_old, .record = RecordedKey::NotKept, .keeps_copies = false, .copies = {}});
    for (const bool keeps : {false, true}) {
        for (const RecordedKey record :
             {RecordedKey::Unknown, RecordedKey::Old, RecordedKey::OldToNew, RecordedKey::Switched, RecordedKey::New}) {
            for (const std::vector<Slots>& copies :
                 std::vector<std::vector<Slots>>{{}, {only_old}, {{}}, {{}, only_old}, {{.new_key = true}}}) {
                if (!keeps && !copies.empty()) continue;
                worlds.push_back({.slots = only_old, .record = record, .keeps_copies = keeps, .copies = copies});
            }
        }
    }
    return worlds;
}

TEST(Rotation, AlwaysLeavesAKeyInTheKeyManagerThatOpensTheVolume) {
    std::size_t states = 0;
    for (const World& start : beginnings()) {
        const bool record_was_right = named_key_opens(start.record, start.slots);
        for (const World& world : reachable_from(start)) {
            ++states;
            if (!world.torn) {
                EXPECT_TRUE(world.slots.old_key || world.slots.new_key);
                if (record_was_right) {
                    EXPECT_TRUE(named_key_opens(world.record, world.slots));
                }
                continue;
            }
            // A torn header is restored from its newest copy, and that opens with the recorded key.
            ASSERT_FALSE(world.copies.empty());
            EXPECT_TRUE(named_key_opens(world.record, world.copies.back()));
        }
    }
    EXPECT_GT(states, 300u);  // that it looked at anything at all
}

TEST(Rotation, EndsFromEveryStateThatACrashLeaves) {
    for (const World& start : beginnings()) {
        for (World world : reachable_from(start)) {
            if (world.torn) world = restored(world);
            int steps = 0;
            for (;; ++steps) {
                ASSERT_LT(steps, 12);
                const auto step = next_step(sight_of(world));
                ASSERT_TRUE(step);
                if (*step == RotationStep::Done) break;
                world = after(world, *step);
            }
            EXPECT_EQ(world.slots, (Slots{.new_key = true}));
            if (world.record != RecordedKey::NotKept) {
                EXPECT_EQ(world.record, RecordedKey::New);
            }
            if (world.keeps_copies) {
                EXPECT_EQ(world.copies, std::vector<Slots>{{.new_key = true}});
            }
        }
    }
}

TEST(Rotation, NeverChangesAHeaderWithoutACurrentCopyOfIt) {
    for (const World& start : beginnings()) {
        if (!start.keeps_copies) continue;
        for (const World& world : reachable_from(start)) {
            const auto step = next_step(sight_of(world));
            if (step && changes_header(*step)) {
                EXPECT_TRUE(world.copies.back() == world.slots);
            }
        }
    }
}

TEST(Rotation, RefusesAHeaderThatNeitherKeyOpens) { EXPECT_EQ(next_step({}).error().code, Code::WrongKey); }

/// A site in memory, whose device loses what is written to it when it is told.
class MemorySite final : public RotationSite {
public:
    World world;
    bool loses_writes = false;
    std::optional<RotationStep> fails_at;
    std::vector<RotationStep> done;

    Result<RotationSight> look() override { return sight_of(world); }
    Result<void> perform(RotationStep step) override {
        if (fails_at == step) return Error{Code::Io, "a bad sector", {}};
        done.push_back(step);
        if (!(loses_writes && changes_header(step))) world = after(world, step);
        return {};
    }
};

TEST(Rotation, DoesItsStepsInTheirOrder) {
    MemorySite site;
    site.world.slots.old_key = true;
    ASSERT_TRUE(carry_out_rotation(site));
    using enum RotationStep;
    EXPECT_EQ(site.done, (std::vector{RecordIntent, KeepCopy, AddNew, SwitchRecord, KeepCopy, RemoveOld, KeepCopy,
                                      DropOldCopies, FinishRecord}));
    site.done.clear();
    ASSERT_TRUE(carry_out_rotation(site));
    EXPECT_TRUE(site.done.empty());
}

TEST(Rotation, NoticesADeviceThatLosesWrites) {
    MemorySite site;
    site.world.slots.old_key = true;
    site.loses_writes = true;
    const auto outcome = carry_out_rotation(site);
    EXPECT_EQ(outcome.error().code, Code::Io);
    EXPECT_NE(outcome.error().message.find("add_new was reported done"), std::string::npos);
    EXPECT_TRUE(site.world.slots.old_key);
    EXPECT_EQ(site.world.record, RecordedKey::OldToNew);
}

TEST(Rotation, StopsAtAnErrorAndGoesOnLater) {
    for (const RotationStep step :
         {RotationStep::RecordIntent, RotationStep::KeepCopy, RotationStep::AddNew, RotationStep::SwitchRecord,
          RotationStep::RemoveOld, RotationStep::DropOldCopies, RotationStep::FinishRecord}) {
        MemorySite site;
        site.world.slots.old_key = true;
        site.fails_at = step;
        EXPECT_EQ(carry_out_rotation(site).error().code, Code::Io) << text_of(step);
        EXPECT_TRUE(named_key_opens(site.world.record, site.world.slots));
        site.fails_at.reset();
        ASSERT_TRUE(carry_out_rotation(site));
        EXPECT_EQ(site.world.slots, (Slots{.new_key = true}));
    }
}

}  // namespace
}  // namespace sallyport::volume
