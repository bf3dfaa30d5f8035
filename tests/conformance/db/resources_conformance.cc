#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/uuid.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/metadata_repository.h"
#include "keymanager/db/quota_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/transport_key_repository.h"
#include "tests/conformance/db/database_conformance.h"
#include "tests/fakes/quotas.h"

namespace sallyport::db {
namespace {

using fakes::quotas_of;
using std::chrono::hours;

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(6);
const ProjectId Ours("11112222333344445555666677778888");
const ProjectId Theirs("99990000999900009999000099990000");

/// Shorthands: each is one transaction.
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

    SecretId stored_secret() {
        model::Secret secret;
        secret.id = SecretId(random_uuid());
        secret.project = Ours;
        secret.created = secret.updated = Now;
        EXPECT_TRUE(write([&secret](Session& session) -> Result<void> {
            TRY(ensure_project(session, Ours, Now));
            return insert_secret(session, secret);
        }));
        return secret.id;
    }

    ContainerId stored_container(const std::optional<std::string>& name = {}, const std::string& type = "generic",
                                 std::vector<model::ContainerSecret> secrets = {}) {
        model::Container container;
        container.id = ContainerId(random_uuid());
        container.name = name;
        container.type = type;
        container.project = Ours;
        container.creator = UserId("user");
        container.created = container.updated = Now + hours(made_++);
        container.secrets = std::move(secrets);
        const auto done = write([&container](Session& session) { return insert_container(session, container); });
        EXPECT_TRUE(done) << (done ? "" : done.error().detail);
        return container.id;
    }
    Result<model::Container> found(const ContainerId& id) {
        return read([&id](Session& session) { return find_container(session, id); });
    }
    std::vector<std::string> names(const model::ContainerFilter& filter, const model::Page& page = {100, 0}) {
        const auto list = read([&](Session& session) { return list_containers(session, Ours, filter, page); });
        EXPECT_TRUE(list) << (list ? "" : list.error().detail);
        std::vector<std::string> all;
        for (const model::Container& one : list->items) all.push_back(one.name.value_or("-"));
        return all;
    }
    Result<void> add(const ContainerId& id, const model::ContainerSecret& member) {
        return write([&](Session& session) { return insert_container_secret(session, id, member, Now); });
    }
    Result<void> take(const ContainerId& id, const model::ContainerSecret& member) {
        return write([&](Session& session) { return delete_container_secret(session, id, member, Now); });
    }
    Result<void> put(const SecretId& id, const model::SecretConsumer& consumer) {
        return write([&](Session& session) { return put_consumer(session, id, consumer, Now); });
    }
    Result<void> put(const ContainerId& id, const model::ContainerConsumer& consumer, const std::string& hash) {
        return write([&](Session& session) { return put_consumer(session, id, consumer, hash, Now); });
    }

private:
    Database& db_;
    int made_ = 0;
};

using Names = std::vector<std::string>;

TEST_P(RepositoryConformance, AContainerComesBackWithItsSecretsConsumersAndList) {
    Use use(db());
    const SecretId secret = use.stored_secret();
    const ContainerId id = use.stored_container("name", "rsa", {{"public_key", secret}});
    ASSERT_TRUE(use.put(id, {"lb", "http://x", Ours, {}, {}}, std::string(64, 'a')));
    ASSERT_TRUE(use.write([&id](Session& session) {
        return put_acl(session, id, {false, {UserId("u"), UserId("v"), UserId("u")}, {}, {}}, Now);
    }));
    const auto container = use.found(id);
    ASSERT_TRUE(container);
    EXPECT_EQ(container->name, "name");
    EXPECT_EQ(container->type, "rsa");
    EXPECT_EQ(container->project, Ours);
    EXPECT_EQ(container->creator, UserId("user"));
    ASSERT_EQ(container->secrets.size(), 1u);
    EXPECT_EQ(container->secrets[0].name, "public_key");
    EXPECT_EQ(container->secrets[0].secret, secret);
    ASSERT_EQ(container->consumers.size(), 1u);
    EXPECT_EQ(container->consumers[0].url, "http://x");
    ASSERT_TRUE(container->acl);
    EXPECT_FALSE(container->acl->project_access);
    EXPECT_EQ(container->acl->users.size(), 2u);
}

TEST_P(RepositoryConformance, ADeletedContainerLeavesItsSecrets) {
    Use use(db());
    const SecretId secret = use.stored_secret();
    const ContainerId id = use.stored_container("n", "generic", {{"x", secret}});
    const auto remove = [&id](Session& session) { return delete_container(session, id, Now); };
    EXPECT_TRUE(use.write(remove));
    EXPECT_EQ(use.found(id).error().code, Code::NotFound);
    EXPECT_EQ(use.write(remove).error().code, Code::NotFound);
    EXPECT_TRUE(use.read([&secret](Session& session) { return find_secret(session, secret, Now); }));
    EXPECT_EQ(*use.read([](Session& session) { return count_containers(session, Ours); }), 0);
}

TEST_P(RepositoryConformance, ContainersAreListedOldestFirstAndFilteredByWholeNames) {
    Use use(db());
    const SecretId secret = use.stored_secret();
    use.stored_container("b", "generic", {{"x", secret}});
    use.stored_container("a_", "rsa");
    use.stored_container("ab", "generic");
    EXPECT_EQ(use.names({}), (Names{"b", "a_", "ab"}));
    EXPECT_EQ(use.names({}, {1, 1}), (Names{"a_"}));
    EXPECT_EQ(use.names({"a_", {}}), (Names{"a_"}));
    EXPECT_EQ(use.names({"a%", {}}), Names{});
    EXPECT_EQ(use.names({{}, "generic"}), (Names{"b", "ab"}));
    EXPECT_EQ(use.names({"b", "rsa"}), Names{});
    const auto theirs = use.read([](Session& session) { return list_containers(session, Theirs, {}, {}); });
    EXPECT_EQ(theirs->total, 0);
    const auto ours = use.read([](Session& session) { return list_containers(session, Ours, {}, {1, 0}); });
    EXPECT_EQ(ours->total, 3);
    EXPECT_EQ(ours->items.at(0).secrets.size(), 1u);
}

TEST_P(RepositoryConformance, ASecretIsInAContainerOnceUnderAName) {
    Use use(db());
    const SecretId secret = use.stored_secret();
    const ContainerId id = use.stored_container();
    for (const std::optional<std::string>& name :
         {std::optional<std::string>("x"), {}, std::optional<std::string>("")}) {
        EXPECT_EQ(use.take(id, {name, secret}).error().code, Code::NotFound);
        EXPECT_TRUE(use.add(id, {name, secret}));
        EXPECT_EQ(use.add(id, {name, secret}).error().code, Code::Conflict);
    }
    EXPECT_EQ(use.found(id)->secrets.size(), 3u);
    EXPECT_TRUE(use.take(id, {"x", secret}));
    EXPECT_EQ(use.take(id, {"x", secret}).error().code, Code::NotFound);
    EXPECT_EQ(use.found(id)->secrets.size(), 2u);
    EXPECT_TRUE(use.add(id, {"x", secret}));  // its row is there, and marked
    EXPECT_EQ(use.found(id)->secrets.size(), 3u);
    EXPECT_EQ(use.add(ContainerId(random_uuid()), {"x", secret}).error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, ConsumersOfASecretAreRegisteredOnceAndComeBack) {
    Use use(db());
    const SecretId id = use.stored_secret();
    const model::SecretConsumer image{"image", "image", "1", Ours, {}, {}};
    const auto find = [&] { return use.read([&](Session& session) { return find_consumer(session, id, image); }); };
    const auto remove = [&] {
        return use.write([&](Session& session) { return delete_consumer(session, id, image, Now); });
    };
    EXPECT_EQ(find().error().code, Code::NotFound);
    EXPECT_TRUE(use.put(id, image));
    EXPECT_TRUE(use.put(id, image));
    EXPECT_EQ(find()->owner, Ours);
    EXPECT_EQ(*use.read([](Session& session) { return count_secret_consumers(session, Ours); }), 1);
    EXPECT_TRUE(remove());
    EXPECT_EQ(remove().error().code, Code::NotFound);
    EXPECT_EQ(*use.read([](Session& session) { return count_secret_consumers(session, Ours); }), 0);
    EXPECT_TRUE(use.put(id, {"image", "image", "1", Theirs, {}, {}}));
    EXPECT_EQ(find()->owner, Theirs);
}

TEST_P(RepositoryConformance, ConsumersOfAContainerAreKnownByTheirHashAndListedByName) {
    Use use(db());
    const ContainerId id = use.stored_container();
    EXPECT_TRUE(use.put(id, {"b", "u", Ours, {}, {}}, std::string(64, 'b')));
    EXPECT_TRUE(use.put(id, {"a", "u", Ours, {}, {}}, std::string(64, 'a')));
    EXPECT_TRUE(use.put(id, {"a", "u", Ours, {}, {}}, std::string(64, 'a')));
    const auto page = use.read([&id](Session& session) { return list_consumers(session, id, {1, 1}); });
    EXPECT_EQ(page->total, 2);
    EXPECT_EQ(page->items.at(0).name, "b");
    EXPECT_EQ(*use.read([](Session& session) { return count_container_consumers(session, Ours); }), 2);
    EXPECT_TRUE(use.write([&id](Session& session) { return delete_consumer(session, id, std::string(64, 'a'), Now); }));
    EXPECT_EQ(use.found(id)->consumers.size(), 1u);
    EXPECT_TRUE(use.write([&id](Session& session) { return delete_container(session, id, Now); }));
    EXPECT_EQ(*use.read([](Session& session) { return count_container_consumers(session, Ours); }), 0);
}

TEST_P(RepositoryConformance, ConsumersOfManySecretsComeWithOneQuestion) {
    Use use(db());
    std::vector<model::Secret> secrets(3);
    for (model::Secret& secret : secrets) secret.id = use.stored_secret();
    EXPECT_TRUE(use.put(secrets[0].id, {"s", "t", "1", Ours, {}, {}}));
    EXPECT_TRUE(use.put(secrets[2].id, {"s", "t", "2", Ours, {}, {}}));
    EXPECT_TRUE(use.put(secrets[2].id, {"s", "t", "3", Ours, {}, {}}));
    ASSERT_TRUE(use.read([&secrets](Session& session) { return load_consumers(session, std::span(secrets)); }));
    EXPECT_EQ(secrets[0].consumers.size(), 1u);
    EXPECT_TRUE(secrets[1].consumers.empty());
    EXPECT_EQ(secrets[2].consumers.size(), 2u);
    EXPECT_TRUE(use.read([](Session& session) { return load_consumers(session, std::span<model::Secret>()); }));
}

TEST_P(RepositoryConformance, UserMetadataIsReplacedAddedAndRemoved) {
    Use use(db());
    const SecretId id = use.stored_secret();
    const auto all = [&] { return *use.read([&id](Session& session) { return find_user_metadata(session, id); }); };
    EXPECT_TRUE(use.write([&id](Session& session) {
        return replace_user_metadata(session, id, {{"a", "1"}, {"b", "2"}}, Now);
    }));
    EXPECT_TRUE(use.write([&id](Session& session) { return replace_user_metadata(session, id, {{"b", "3"}}, Now); }));
    EXPECT_EQ(all(), (model::UserMetadata{{"b", "3"}}));
    EXPECT_TRUE(use.write([&id](Session& session) { return put_user_metadatum(session, id, "c", "4", Now); }));
    EXPECT_TRUE(use.write([&id](Session& session) { return put_user_metadatum(session, id, "c", "5", Now); }));
    EXPECT_EQ(all(), (model::UserMetadata{{"b", "3"}, {"c", "5"}}));
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(use.write([&id](Session& session) { return remove_user_metadatum(session, id, "b"); }));
    }
    EXPECT_EQ(all(), (model::UserMetadata{{"c", "5"}}));
}

TEST_P(RepositoryConformance, QuotasKeepWhatAChangeDoesNotName) {
    Use use(db());
    const auto quotas = [&] { return *use.read([](Session& session) { return find_quotas(session, Ours); }); };
    EXPECT_FALSE(quotas());
    EXPECT_TRUE(use.write([](Session& session) {
        return put_quotas(session, Ours, quotas_of({{&model::Quotas::secrets, 3}}), Now);
    }));
    EXPECT_TRUE(use.write([](Session& session) {
        return put_quotas(session, Ours, quotas_of({{&model::Quotas::orders, -1}, {&model::Quotas::cas, 0}}), Now);
    }));
    EXPECT_EQ(quotas()->secrets, 3);
    EXPECT_EQ(quotas()->orders, -1);
    EXPECT_FALSE(quotas()->containers);
    EXPECT_EQ(quotas()->cas, 0);
    const auto list = use.read([](Session& session) { return list_quotas(session, {}); });
    EXPECT_EQ(list->total, 1);
    EXPECT_EQ(list->items.at(0).project, Ours);
    const auto remove = [](Session& session) { return remove_quotas(session, Ours); };
    EXPECT_TRUE(use.write(remove));
    EXPECT_EQ(use.write(remove).error().code, Code::NotFound);
    EXPECT_FALSE(quotas());
}

TEST_P(RepositoryConformance, TransportKeysAreKeptShownAndDeleted) {
    Use use(db());
    const model::TransportKey key{TransportKeyId(random_uuid()), "plugin", "PEM", Now, Now};
    EXPECT_TRUE(use.write([&key](Session& session) { return insert_transport_key(session, key); }));
    const auto find = [&] {
        return use.read([&key](Session& session) { return find_transport_key(session, key.id); });
    };
    EXPECT_EQ(find()->pem, "PEM");
    const auto listed = [&](const std::optional<std::string>& plugin) {
        return use.read([&plugin](Session& session) { return list_transport_keys(session, plugin, {}); })->total;
    };
    EXPECT_EQ(listed({}), 1);
    EXPECT_EQ(listed("plugin"), 1);
    EXPECT_EQ(listed("other"), 0);
    EXPECT_EQ(listed(""), 0);
    const auto remove = [&key](Session& session) { return delete_transport_key(session, key.id, Now); };
    EXPECT_TRUE(use.write(remove));
    EXPECT_EQ(use.write(remove).error().code, Code::NotFound);
    EXPECT_EQ(find().error().code, Code::NotFound);
    EXPECT_EQ(listed({}), 0);
}

}  // namespace
}  // namespace sallyport::db
