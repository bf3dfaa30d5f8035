#include "keymanager/core/life_cycle.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "keymanager/base/uuid.h"
#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;

const ProjectId OurProject("a");
const model::SecretConsumer Image{"image", "image", "1", {}, {}, {}};
const model::ContainerConsumer Balancer{"lb", "http://example.invalid/1", {}, {}, {}};

KeyManagerLimits with(const LifeCycleRules& rules) {
    KeyManagerLimits limits;
    limits.life_cycle = rules;
    return limits;
}

class LifeCycleTest : public KeyManagerWorld {
protected:
    explicit LifeCycleTest(const LifeCycleRules& rules = {}) : KeyManagerWorld(with(rules)) {}

    LifeCycle& life_cycle() { return key_manager_->life_cycle(); }
    SecretId deleted() {
        const SecretId id = stored();
        EXPECT_TRUE(key_manager_->remove(Creator, id));
        return id;
    }
    SecretId stored_until(Timestamp expiration) {
        model::SecretAttributes attributes;
        attributes.expiration = expiration;
        return *key_manager_->store(Creator, attributes, Payload{*SecureBytes::copy_of(bytes_of("key")), "text/plain"});
    }
    bool readable(const SecretId& id, const Caller& caller = Creator) {
        return key_manager_->fetch(caller, id).has_value();
    }
    std::string refusal(const SecretId& id) {
        const auto undeleted = life_cycle().undelete(Admin, id);
        EXPECT_EQ(code_of(undeleted), Code::Conflict);
        return undeleted ? "" : undeleted.error().message;
    }
    /// To its end; how many steps that took.
    int remove_project() {
        for (int steps = 1;; ++steps) {
            const auto step = life_cycle().remove_project(ServiceAdmin, OurProject);
            EXPECT_TRUE(step);
            if (!step || step->done) return steps;
        }
    }
};

// --- undeleting

TEST_F(LifeCycleTest, ADeletedSecretComesBackWithinTheWindow) {
    const SecretId id = deleted();
    EXPECT_FALSE(readable(id));
    clock_.advance(days(7));
    const auto undeleted = life_cycle().undelete(Admin, id);
    ASSERT_TRUE(undeleted);
    EXPECT_EQ(undeleted->project, OurProject);
    const auto payload = key_manager_->fetch(Creator, id);
    ASSERT_TRUE(payload);
    EXPECT_EQ(text_of(payload->bytes.reveal()), "key");
    EXPECT_EQ(payload->content_type, "text/plain");
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 1);
}

TEST_F(LifeCycleTest, ASecretDeletedBeforeTheWindowStaysDeleted) {
    const SecretId id = deleted();
    clock_.advance(days(7) + hours(1));
    EXPECT_THAT(refusal(id), HasSubstr("more than 7 days ago"));
    EXPECT_FALSE(readable(id));
}

TEST_F(LifeCycleTest, OnlyWhatIsDeletedCanComeBack) {
    EXPECT_THAT(refusal(stored()), HasSubstr("not deleted"));
    EXPECT_EQ(code_of(life_cycle().undelete(Admin, SecretId(random_uuid()))), Code::NotFound);
}

TEST_F(LifeCycleTest, ASecretWithoutPayloadStaysDeleted) {
    const SecretId id = *key_manager_->store(Creator, {}, std::nullopt);
    ASSERT_TRUE(key_manager_->remove(Creator, id));
    EXPECT_THAT(refusal(id), HasSubstr("no payload"));
}

TEST_F(LifeCycleTest, ASecretThatExpiredMeanwhileStaysDeleted) {
    const SecretId id = stored_until(clock_.now() + hours(2));
    ASSERT_TRUE(key_manager_->remove(Creator, id));
    clock_.advance(hours(3));
    EXPECT_THAT(refusal(id), HasSubstr("expired at"));
}

TEST_F(LifeCycleTest, OnlyAdministratorsUndelete) {
    const SecretId id = deleted();
    EXPECT_EQ(code_of(life_cycle().undelete(Creator, id)), Code::Forbidden);
    EXPECT_EQ(code_of(life_cycle().undelete(Stranger, id)), Code::Forbidden);
    EXPECT_TRUE(life_cycle().undelete(ServiceAdmin, id));
}

TEST_F(LifeCycleTest, APrivateSecretIsStillPrivateWhenItComesBack) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->access_lists().change(Creator, id, {false, {}}));
    ASSERT_FALSE(readable(id, Observer));
    ASSERT_TRUE(key_manager_->remove(Creator, id));
    ASSERT_TRUE(life_cycle().undelete(Admin, id));
    EXPECT_TRUE(readable(id));
    EXPECT_FALSE(readable(id, Observer));
}

TEST_F(LifeCycleTest, WhatWentWithASecretComesBackAndWhatWentBeforeDoesNot) {
    const SecretId id = stored();
    const model::SecretConsumer gone{"volume", "volume", "2", {}, {}, {}};
    ASSERT_TRUE(key_manager_->user_metadata().replace(Creator, id, {{"colour", "red"}}));
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, Image));
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, gone));
    const ContainerId container = contained(Creator, {{"x", id}});
    ASSERT_TRUE(key_manager_->consumers().remove(Creator, id, gone));
    clock_.advance(hours(1));
    ASSERT_TRUE(key_manager_->remove(Creator, id));
    EXPECT_TRUE(key_manager_->containers().describe(Creator, container)->secrets.empty());
    clock_.advance(hours(1));
    ASSERT_TRUE(life_cycle().undelete(Admin, id));
    const auto consumers = key_manager_->consumers().list(Creator, id, {});
    ASSERT_EQ(consumers->items.size(), 1u);
    EXPECT_EQ(consumers->items[0].service, "image");
    EXPECT_EQ(key_manager_->user_metadata().find(Creator, id)->at("colour"), "red");
    EXPECT_EQ(key_manager_->containers().describe(Creator, container)->secrets.size(), 1u);
}

class WithoutWindow : public LifeCycleTest {
protected:
    WithoutWindow() : LifeCycleTest({.undelete_window = days(0)}) {}
};
TEST_F(WithoutWindow, DeletedIsDeleted) { EXPECT_THAT(refusal(deleted()), HasSubstr("undelete_days is 0")); }

// --- consumers

TEST_F(LifeCycleTest, ByDefaultConsumersKeepNothingAlive) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, Image));
    const auto deletion = key_manager_->remove(Creator, id);
    ASSERT_TRUE(deletion);
    EXPECT_EQ(deletion->consumers, 0u);
}

class WarnOfConsumers : public LifeCycleTest {
protected:
    WarnOfConsumers() : LifeCycleTest({.delete_with_consumers = DeleteWithConsumers::Warn}) {}
};
TEST_F(WarnOfConsumers, TheyAreCountedAndGo) {
    const SecretId used = stored();
    ASSERT_TRUE(key_manager_->consumers().add(Creator, used, Image));
    EXPECT_EQ(key_manager_->remove(Creator, used)->consumers, 1u);
    EXPECT_FALSE(readable(used));
    EXPECT_EQ(key_manager_->remove(Creator, stored())->consumers, 0u);
}

class HeedConsumers : public LifeCycleTest {
protected:
    HeedConsumers() : LifeCycleTest({.delete_with_consumers = DeleteWithConsumers::Refuse}) {}
};
TEST_F(HeedConsumers, ASecretThatIsUsedStaysUntilItIsNot) {
    const SecretId id = stored();
    for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(key_manager_->consumers().add(Creator, id, {"image", "image", std::to_string(i), {}, {}, {}}));
        clock_.advance(hours(1));
    }
    const auto refused = key_manager_->remove(Creator, id);
    ASSERT_EQ(code_of(refused), Code::Conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("image image 0, image image 1"));
    EXPECT_THAT(refused.error().message, HasSubstr("and 2 more"));
    EXPECT_TRUE(readable(id));
    for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(key_manager_->consumers().remove(Creator, id, {"image", "image", std::to_string(i), {}, {}, {}}));
    }
    EXPECT_TRUE(key_manager_->remove(Creator, id));
}
TEST_F(HeedConsumers, AContainerThatIsUsedStaysUntilItIsNot) {
    const ContainerId id = contained();
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, Balancer));
    const auto refused = key_manager_->containers().remove(Creator, id);
    ASSERT_EQ(code_of(refused), Code::Conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("lb http://example.invalid/1"));
    ASSERT_TRUE(key_manager_->consumers().remove(Creator, id, Balancer));
    EXPECT_TRUE(key_manager_->containers().remove(Creator, id));
}
TEST_F(HeedConsumers, WhoMayNotDeleteLearnsNothingOfConsumers) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, Image));
    EXPECT_EQ(code_of(key_manager_->remove(Stranger, id)), Code::Forbidden);
}
TEST_F(HeedConsumers, ARemovedProjectTakesThemAlong) {
    ASSERT_TRUE(key_manager_->consumers().add(Creator, stored(), Image));
    EXPECT_EQ(remove_project(), 1);
    EXPECT_EQ(code_of(life_cycle().holdings(ServiceAdmin, OurProject)), Code::NotFound);
}

// --- projects

TEST_F(LifeCycleTest, AProjectIsCountedAndRemovedWithAllThatItHas) {
    const SecretId id = stored();
    const SecretId others = stored(Stranger);
    stored_until(clock_.now() + hours(1));
    ASSERT_TRUE(ordered());
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, Image));
    ASSERT_TRUE(key_manager_->consumers().add(Creator, contained(), Balancer));
    clock_.advance(hours(2));
    EXPECT_EQ(*life_cycle().holdings(ServiceAdmin, OurProject),
              (model::ProjectHoldings{.secrets = 3, .containers = 1, .orders = 1, .keks = 1, .consumers = 2}));
    const auto step = life_cycle().remove_project(ServiceAdmin, OurProject);
    ASSERT_TRUE(step);
    EXPECT_TRUE(step->done);
    EXPECT_EQ(step->removed, (model::ProjectHoldings{.secrets = 3, .containers = 1, .orders = 1, .keks = 1}));
    EXPECT_FALSE(readable(id));
    EXPECT_TRUE(readable(others, Stranger));
    EXPECT_EQ(code_of(life_cycle().remove_project(ServiceAdmin, OurProject)), Code::NotFound);
}

TEST_F(LifeCycleTest, ALargeProjectGoesInSteps) {
    for (int i = 0; i < LifeCycle::Step + 5; ++i) stored();
    const auto first = life_cycle().remove_project(ServiceAdmin, OurProject);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->done);
    EXPECT_EQ(first->removed.secrets, LifeCycle::Step);
    EXPECT_EQ(life_cycle().holdings(ServiceAdmin, OurProject)->secrets, 5);
    EXPECT_EQ(remove_project(), 1);
}

TEST_F(LifeCycleTest, OnlyThoseWhoManageAllProjectsRemoveOne) {
    stored();
    EXPECT_EQ(code_of(life_cycle().remove_project(Admin, OurProject)), Code::Forbidden);
    EXPECT_EQ(code_of(life_cycle().holdings(Admin, OurProject)), Code::Forbidden);
    EXPECT_EQ(code_of(life_cycle().remove_project(ServiceAdmin, ProjectId("nobody"))), Code::NotFound);
    EXPECT_EQ(life_cycle().holdings(ServiceAdmin, OurProject)->secrets, 1);
}

TEST_F(LifeCycleTest, ASecretOfARemovedProjectStaysDeleted) {
    const SecretId id = stored();
    remove_project();
    EXPECT_THAT(refusal(id), HasSubstr("its project was removed"));
}

TEST_F(LifeCycleTest, AProjectThatIsUsedAgainBeginsAnewUnderANewKey) {
    const SecretId old = stored();
    remove_project();
    const SecretId fresh = stored();
    EXPECT_TRUE(readable(fresh));
    EXPECT_EQ(*life_cycle().holdings(ServiceAdmin, OurProject), (model::ProjectHoldings{.secrets = 1, .keks = 1}));
    // The key that it was under is gone, whatever became of the project.
    EXPECT_THAT(refusal(old), HasSubstr("its project was removed"));
}

// --- sweeping

class Sweeping : public LifeCycleTest {
protected:
    Sweeping() : LifeCycleTest({.finished_orders = days(30), .sweep_expired = true}) {}
};
TEST_F(Sweeping, TakesWhatIsOverAndNothingElse) {
    ASSERT_TRUE(ordered());
    const SecretId lasting = stored();
    stored_until(clock_.now() + hours(1));
    EXPECT_EQ(life_cycle().sweep()->secrets, 0);
    clock_.advance(hours(1));
    const auto swept = life_cycle().sweep();
    ASSERT_TRUE(swept);
    EXPECT_EQ(swept->secrets, 1);
    EXPECT_EQ(swept->orders, 0);
    EXPECT_FALSE(swept->more);
    EXPECT_EQ(life_cycle().holdings(ServiceAdmin, OurProject)->secrets, 2);  // the order's and the lasting one
    EXPECT_TRUE(readable(lasting));
}
TEST_F(Sweeping, TakesOrdersThatEndedLongAgoAndLeavesTheirKeys) {
    const auto order = ordered();
    ASSERT_TRUE(order);
    OrderRequest certificate;
    certificate.type = model::OrderType::Certificate;
    certificate.meta = "{}";
    const auto pending = key_manager_->orders().create(Creator, std::move(certificate));
    ASSERT_TRUE(pending);
    const SecretId key = *key_manager_->orders().describe(Creator, *order)->order.secret;
    clock_.advance(days(31));
    EXPECT_EQ(life_cycle().sweep()->orders, 1);
    EXPECT_EQ(code_of(key_manager_->orders().describe(Creator, *order)), Code::NotFound);
    EXPECT_TRUE(key_manager_->orders().describe(Creator, *pending));
    EXPECT_TRUE(readable(key));
}
TEST_F(Sweeping, GoesOnUntilNothingIsLeft) {
    for (int i = 0; i <= LifeCycle::Step; ++i) stored_until(clock_.now() + hours(1));
    clock_.advance(hours(2));
    const auto first = life_cycle().sweep();
    EXPECT_EQ(first->secrets, LifeCycle::Step);
    EXPECT_TRUE(first->more);
    const auto second = life_cycle().sweep();
    EXPECT_EQ(second->secrets, 1);
    EXPECT_FALSE(second->more);
}
TEST_F(LifeCycleTest, WithoutRulesNothingIsSwept) {
    ASSERT_TRUE(ordered());
    stored_until(clock_.now() + hours(1));
    clock_.advance(days(1000));
    const auto swept = life_cycle().sweep();
    ASSERT_TRUE(swept);
    EXPECT_EQ(swept->secrets + swept->orders, 0);
}

}  // namespace
}  // namespace sallyport::core
