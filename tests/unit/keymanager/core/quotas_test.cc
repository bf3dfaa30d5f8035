#include "keymanager/core/quotas.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

class QuotasTest : public KeyManagerWorld {
protected:
    QuotasTest() : KeyManagerWorld({20000, quotas_of({{&model::Quotas::containers, 2}})}) {}
    void allow(const model::Quotas& quotas) {
        ASSERT_TRUE(key_manager_->quotas().set(ServiceAdmin, Creator.project, quotas));
    }
    Result<SecretId> store(const Caller& caller = Creator) { return key_manager_->store(caller, {}, std::nullopt); }
};

TEST_F(QuotasTest, WhatWasSetComesBeforeTheDefault) {
    EXPECT_EQ(key_manager_->quotas().effective(Creator)->containers, 2);
    EXPECT_EQ(key_manager_->quotas().effective(Creator)->secrets, -1);
    EXPECT_EQ(code_of(key_manager_->quotas().find(ServiceAdmin, Creator.project)), Code::NotFound);
    allow(quotas_of({{&model::Quotas::secrets, 3}, {&model::Quotas::containers, 5}}));
    EXPECT_EQ(key_manager_->quotas().effective(Creator)->containers, 5);
    EXPECT_EQ(key_manager_->quotas().effective(Stranger)->containers, 2);
    EXPECT_FALSE(key_manager_->quotas().find(ServiceAdmin, Creator.project)->orders);
    EXPECT_EQ(key_manager_->quotas().list(ServiceAdmin, {})->total, 1);
    EXPECT_TRUE(key_manager_->quotas().remove(ServiceAdmin, Creator.project));
    EXPECT_EQ(code_of(key_manager_->quotas().remove(ServiceAdmin, Creator.project)), Code::NotFound);
}

TEST_F(QuotasTest, AreTheServiceAdminsToSet) {
    EXPECT_EQ(code_of(key_manager_->quotas().set(Admin, Creator.project, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->quotas().find(Admin, Creator.project)), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->quotas().list(Admin, {})), Code::Forbidden);
    EXPECT_EQ(code_of(key_manager_->quotas().remove(Admin, Creator.project)), Code::Forbidden);
}

TEST_F(QuotasTest, HoldForSecretsOrdersAndContainers) {
    allow(quotas_of({{&model::Quotas::secrets, 1}, {&model::Quotas::orders, 1}}));
    const auto first = store();
    EXPECT_TRUE(first);
    EXPECT_EQ(code_of(store()), Code::OverQuota);
    EXPECT_TRUE(store(Stranger));
    EXPECT_TRUE(key_manager_->remove(Creator, *first));
    EXPECT_TRUE(store());
    EXPECT_TRUE(ordered());  // its key is over the quota of secrets, as in Barbican
    EXPECT_EQ(code_of(ordered()), Code::OverQuota);
    contained();
    contained();
    EXPECT_EQ(code_of(key_manager_->containers().create(Creator, {{}, "generic", {}})), Code::OverQuota);
}

TEST_F(QuotasTest, CountConsumersOfSecretsAndOfContainersApart) {
    const SecretId secret = stored();
    const ContainerId container = contained();
    allow(quotas_of({{&model::Quotas::consumers, 1}}));
    EXPECT_TRUE(key_manager_->consumers().add(Creator, container, {"a", "u", {}, {}, {}}));
    EXPECT_EQ(code_of(key_manager_->consumers().add(Creator, container, {"b", "u", {}, {}, {}})), Code::OverQuota);
    EXPECT_TRUE(key_manager_->consumers().add(Creator, secret, {"a", "b", "c", {}, {}, {}}));
    EXPECT_EQ(code_of(key_manager_->consumers().add(Creator, secret, {"a", "b", "d", {}, {}, {}})), Code::OverQuota);
}

TEST_F(QuotasTest, ZeroIsNoneAtAll) {
    allow(quotas_of({{&model::Quotas::secrets, 0}}));
    EXPECT_EQ(code_of(store()), Code::OverQuota);
}

TEST_F(QuotasTest, AreNotPassedByManyAtOnce) {
    allow(quotas_of({{&model::Quotas::secrets, 5}}));
    std::atomic<int> stored = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([this, &stored] {
            for (int n = 0; n < 3; ++n) {
                if (store()) ++stored;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(stored, 5);
}

}  // namespace
}  // namespace sallyport::core
