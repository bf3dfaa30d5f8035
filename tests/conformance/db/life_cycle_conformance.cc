#include <optional>
#include <string>

#include "keymanager/base/uuid.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/life_cycle_repository.h"
#include "keymanager/db/metadata_repository.h"
#include "keymanager/db/quota_repository.h"
#include "keymanager/db/repository.h"
#include "tests/conformance/db/database_conformance.h"

namespace sallyport::db {
namespace {

using std::chrono::hours;

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(6);
const ProjectId Ours("11112222333344445555666677778888");
const ProjectId Theirs("99990000999900009999000099990000");
const std::string Plugin = "plugin";

class Use {
public:
    explicit Use(Database& db) : db_(db) {}

    template <class F>
    auto read(F&& work) {
        return db_.read(std::forward<F>(work));
    }
    template <class F>
    auto write(F&& work) {
        return db_.write(std::forward<F>(work));
    }

    SecretId stored(const ProjectId& project = Ours, std::optional<Timestamp> expiration = {}) {
        model::Secret secret;
        secret.id = SecretId(random_uuid());
        secret.project = project;
        secret.creator = UserId("creator");
        secret.attributes.name = "name";
        secret.attributes.expiration = expiration;
        secret.created = secret.updated = Now;
        const auto done = write([&secret](Session& session) -> Result<void> {
            TRY(ensure_project(session, secret.project, Now));
            auto kek = TRY(find_kek(session, secret.project, Plugin));
            if (!kek) {
                kek.emplace();
                kek->id = KekId(random_uuid());
                kek->project = secret.project;
                kek->plugin_name = Plugin;
                TRY(insert_kek(session, *kek, Now));
            }
            TRY(insert_secret(session, secret));
            return insert_payload(session, secret.id, kek->id, {"wrapped", {}}, "text/plain", "store", Now);
        });
        EXPECT_TRUE(done) << (done ? "" : done.error().detail);
        return secret.id;
    }
    OrderId ordered(model::Status status, Timestamp updated) {
        model::Order order;
        order.id = OrderId(random_uuid());
        order.project = Ours;
        order.meta = "{}";
        order.status = status;
        order.created = order.updated = updated;
        EXPECT_TRUE(write([&order](Session& session) -> Result<void> {
            TRY(ensure_project(session, order.project, Now));
            return insert_order(session, order);
        }));
        return order.id;
    }
    SecretRemains remains(const SecretId& id) {
        auto found = read([&id](Session& session) { return find_remains(session, id); });
        EXPECT_TRUE(found) << (found ? "" : found.error().detail);
        return found ? *std::move(found) : SecretRemains{};
    }
    Result<SecretWithPayload> found(const SecretId& id) {
        return read([&id](Session& session) { return find_secret_with_payload(session, id, Now); });
    }
    Result<void> drop(const SecretId& id, Timestamp at = Now) {
        return write([&id, at](Session& session) { return delete_secret(session, id, at); });
    }
    Result<void> undelete(const SecretId& id) {
        const auto at = remains(id).deleted.value_or(Timestamp());
        return write([&id, at](Session& session) { return undelete_secret(session, id, at, Now + hours(1)); });
    }
    Result<model::ProjectHoldings> holdings() {
        return read([](Session& session) { return count_holdings(session, Ours); });
    }

private:
    Database& db_;
};

TEST_P(RepositoryConformance, ADeletedSecretIsBroughtBackWithItsPayloadAndList) {
    Use use(db());
    const SecretId id = use.stored();
    ASSERT_TRUE(use.write([&id](Session& session) {
        return put_acl(session, id, {false, {UserId("u"), UserId("v")}, {}, {}}, Now);
    }));
    EXPECT_FALSE(use.remains(id).deleted);
    ASSERT_TRUE(use.drop(id));
    const SecretRemains remains = use.remains(id);
    EXPECT_EQ(remains.deleted, Now);
    EXPECT_FALSE(remains.key_is_gone);
    EXPECT_TRUE(remains.has_payload);
    EXPECT_EQ(remains.secret.project, Ours);
    EXPECT_EQ(remains.secret.creator, UserId("creator"));
    EXPECT_EQ(remains.secret.attributes.name, "name");
    ASSERT_TRUE(remains.secret.acl);
    EXPECT_FALSE(remains.secret.acl->project_access);
    EXPECT_EQ(remains.secret.acl->users.size(), 2u);

    ASSERT_TRUE(use.undelete(id));
    const auto back = use.found(id);
    ASSERT_TRUE(back);
    ASSERT_TRUE(back->payload);
    EXPECT_EQ(back->payload->wrapped.cypher_text, "wrapped");
    ASSERT_TRUE(back->secret.acl);
    EXPECT_FALSE(back->secret.acl->project_access);
}

TEST_P(RepositoryConformance, OnlyADeletedSecretIsBroughtBack) {
    Use use(db());
    EXPECT_EQ(use.undelete(use.stored()).error().code, Code::NotFound);
    const SecretId unknown(random_uuid());
    EXPECT_EQ(use.read([&](Session& session) { return find_remains(session, unknown); }).error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, OnlyWhatWentWithASecretIsBroughtBack) {
    Use use(db());
    const SecretId id = use.stored();
    const model::SecretConsumer kept{"image", "image", "1", Ours, {}, {}};
    const model::SecretConsumer gone{"volume", "volume", "2", Ours, {}, {}};
    ASSERT_TRUE(use.write([&](Session& session) -> Result<void> {
        TRY(put_consumer(session, id, kept, Now));
        TRY(put_consumer(session, id, gone, Now));
        TRY(put_user_metadatum(session, id, "colour", "red", Now));
        return delete_consumer(session, id, gone, Now);
    }));
    ASSERT_TRUE(use.drop(id, Now + hours(1)));
    ASSERT_TRUE(use.undelete(id));
    const auto consumers = use.read([&](Session& session) { return list_consumers(session, id, {10, 0}); });
    ASSERT_EQ(consumers->items.size(), 1u);
    EXPECT_EQ(consumers->items[0].service, "image");
    EXPECT_EQ(use.read([&](Session& session) { return find_user_metadata(session, id); })->at("colour"), "red");
}

TEST_P(RepositoryConformance, AProjectThatWasRemovedIsNotThereUntilItIsUsedAgain) {
    Use use(db());
    const SecretId id = use.stored();
    use.stored(Theirs);
    EXPECT_EQ(*use.holdings(), (model::ProjectHoldings{.secrets = 1, .keks = 1}));
    ASSERT_TRUE(use.write([](Session& session) { return put_quotas(session, Ours, {}, Now); }));
    ASSERT_TRUE(use.drop(id));
    const auto end = [](Session& session) { return delete_project(session, Ours, Now); };
    EXPECT_EQ(*use.write(end), 1);
    EXPECT_EQ(use.write(end).error().code, Code::NotFound);
    EXPECT_EQ(use.holdings().error().code, Code::NotFound);
    EXPECT_TRUE(use.remains(id).key_is_gone);
    EXPECT_FALSE(*use.read([](Session& session) { return find_quotas(session, Ours); }));
    EXPECT_EQ(use.read([](Session& session) { return count_holdings(session, Theirs); })->secrets, 1);

    use.stored();
    EXPECT_EQ(*use.holdings(), (model::ProjectHoldings{.secrets = 1, .keks = 1}));
    EXPECT_TRUE(use.remains(id).key_is_gone);
}

TEST_P(RepositoryConformance, AProjectsObjectsAreNamedAFewAtATimeExpiredOnesToo) {
    Use use(db());
    use.stored();
    use.stored(Ours, Now - hours(1));
    use.stored(Theirs);
    ASSERT_TRUE(use.drop(use.stored()));
    use.ordered(model::Status::Active, Now);
    const auto secrets = [&use](int most) {
        return use.read([most](Session& session) { return secrets_of(session, Ours, most); })->size();
    };
    EXPECT_EQ(secrets(10), 2u);
    EXPECT_EQ(secrets(1), 1u);
    EXPECT_EQ(secrets(0), 0u);
    EXPECT_EQ(use.read([](Session& session) { return orders_of(session, Ours, 10); })->size(), 1u);
    EXPECT_EQ(use.read([](Session& session) { return containers_of(session, Ours, 10); })->size(), 0u);
}

TEST_P(RepositoryConformance, WhatIsOverIsFound) {
    Use use(db());
    use.stored();
    use.stored(Ours, Now + hours(1));
    const SecretId expired = use.stored(Ours, Now);
    const auto over = [](Session& session) { return expired_secrets(session, Now, 10); };
    EXPECT_EQ(*use.read(over), std::vector<SecretId>{expired});
    EXPECT_EQ(use.drop(expired).error().code, Code::NotFound);
    ASSERT_TRUE(use.write([&](Session& session) { return delete_expired_secret(session, expired, Now); }));
    EXPECT_TRUE(use.read(over)->empty());

    const OrderId active = use.ordered(model::Status::Active, Now - hours(2));
    const OrderId failed = use.ordered(model::Status::Error, Now - hours(2));
    use.ordered(model::Status::Pending, Now - hours(2));
    use.ordered(model::Status::Active, Now);
    const auto orders = use.read([](Session& session) { return finished_orders(session, Now - hours(1), 10); });
    ASSERT_EQ(orders->size(), 2u);
    for (const model::OrderOfProject& one : *orders) {
        EXPECT_TRUE(one.order == active || one.order == failed);
        EXPECT_EQ(one.project, Ours);
    }
}

}  // namespace
}  // namespace sallyport::db
