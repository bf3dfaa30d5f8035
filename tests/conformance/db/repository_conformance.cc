#include <algorithm>

#include "keymanager/base/uuid.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/kek_repository.h"
#include "keymanager/db/repository.h"
#include "tests/conformance/db/database_conformance.h"

namespace sallyport::db {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

const Timestamp WholeNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + hours(6);
/// As precise as the database under test keeps times.
Timestamp Now = WholeNow;
const std::string Plugin = "barbican.plugin.crypto.simple_crypto.SimpleCryptoPlugin";
const std::string StorePlugin = "barbican.plugin.store_crypto.StoreCryptoAdapterPlugin";
const ProjectId Ours("11112222333344445555666677778888");
const ProjectId Theirs("99990000999900009999000099990000");

model::Secret make_secret(const ProjectId& project = Ours) {
    model::Secret secret;
    secret.id = SecretId(random_uuid());
    secret.project = project;
    secret.created = secret.updated = Now;
    return secret;
}

model::KekMeta make_kek(const ProjectId& project = Ours) {
    model::KekMeta kek;
    kek.id = KekId(random_uuid());
    kek.project = project;
    kek.plugin_name = Plugin;
    kek.label = "project-x-key-y";
    kek.plugin_meta = "gAAAAA";
    return kek;
}

/// Shorthands: each is one transaction, and none may fail.
class Steps {
public:
    explicit Steps(Database& db) : db_(db) {}

    template <class F>
    auto write(F&& work) {
        auto result = db_.write(std::forward<F>(work));
        EXPECT_TRUE(result) << (result ? "" : result.error().message + ": " + result.error().detail);
        return result;
    }
    void store(const model::Secret& secret) {
        write([&](Session& session) -> Result<void> {
            TRY(ensure_project(session, secret.project, Now));
            return insert_secret(session, secret);
        }).has_value();
    }
    void store(const model::KekMeta& kek, Timestamp when = Now) {
        write([&](Session& session) -> Result<void> {
            TRY(ensure_project(session, kek.project, Now));
            return insert_kek(session, kek, when);
        }).has_value();
    }
    void store(const model::Order& order) {
        write([&](Session& session) -> Result<void> {
            TRY(ensure_project(session, order.project, Now));
            return insert_order(session, order);
        }).has_value();
    }
    void pay(const SecretId& id, const KekId& kek, const std::string& text, Timestamp when = Now) {
        write([&](Session& session) {
            return insert_payload(session, id, kek, {text, std::nullopt}, "text/plain", StorePlugin, when);
        }).has_value();
    }
    Result<model::Secret> find(const SecretId& id, Timestamp now = Now) {
        return db_.read([&](Session& session) { return find_secret(session, id, now); });
    }
    Result<SecretWithPayload> find_both(const SecretId& id, Timestamp now = Now) {
        return db_.read([&](Session& session) { return find_secret_with_payload(session, id, now); });
    }
    model::PageOf<model::Secret> list(const model::SecretFilter& filter, const model::Page& page = {},
                                      const ProjectId& project = Ours) {
        auto result = db_.read([&](Session& session) { return list_secrets(session, project, filter, page, Now); });
        EXPECT_TRUE(result) << (result ? "" : result.error().detail);
        return *std::move(result);
    }
    std::vector<std::string> names(const model::SecretFilter& filter) {
        std::vector<std::string> found;
        for (const auto& secret : list(filter, {100, 0}).items) found.push_back(secret.attributes.name.value_or("-"));
        return found;
    }

private:
    Database& db_;
};

using Names = std::vector<std::string>;

TEST_P(RepositoryConformance, AProjectIsMadeOnceAndFoundAfterwards) {
    Steps steps(db());
    const auto ensure = [](Session& session) { return ensure_project(session, Ours, Now); };
    const auto first = steps.write(ensure), second = steps.write(ensure);
    EXPECT_EQ(*first, *second);
    const auto other = steps.write([](Session& session) { return ensure_project(session, Theirs, Now); });
    EXPECT_NE(*first, *other);
}

TEST_P(RepositoryConformance, ASecretComesBackWithAllThatWasSaidOfIt) {
    Steps steps(db());
    model::Secret secret = make_secret();
    secret.attributes = {"ключ's \"name\"", model::SecretType::Symmetric, "aes", 256, "cbc", Now + hours(1)};
    secret.creator = UserId("user");
    secret.updated = Now + std::chrono::seconds(1);
    steps.store(secret);

    const auto found = steps.find(secret.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, secret.id);
    EXPECT_EQ(found->attributes.name, secret.attributes.name);
    EXPECT_EQ(found->attributes.type, model::SecretType::Symmetric);
    EXPECT_EQ(found->attributes.algorithm, "aes");
    EXPECT_EQ(found->attributes.bit_length, 256);
    EXPECT_EQ(found->attributes.mode, "cbc");
    EXPECT_EQ(found->attributes.expiration, secret.attributes.expiration);
    EXPECT_EQ(found->project, Ours);
    EXPECT_EQ(found->creator, secret.creator);
    EXPECT_EQ(found->status, model::Status::Active);
    EXPECT_EQ(found->created, Now);
    EXPECT_EQ(found->updated, secret.updated);
    EXPECT_FALSE(found->content_type);
    EXPECT_FALSE(found->acl);
}

TEST_P(RepositoryConformance, WhatWasNotSaidStaysUnsaid) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    steps.store(secret);
    const auto found = steps.find(secret.id);
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->attributes.name || found->attributes.algorithm || found->attributes.bit_length ||
                 found->attributes.mode || found->attributes.expiration || found->creator);
    EXPECT_EQ(found->attributes.type, model::SecretType::Opaque);
}

TEST_P(RepositoryConformance, ASecretOfAnUnknownProjectIsNotStored) {
    const auto written = db().write([](Session& session) { return insert_secret(session, make_secret()); });
    EXPECT_FALSE(written);
}

TEST_P(RepositoryConformance, AnUnknownSecretIsNotFound) {
    const auto found = Steps(db()).find(SecretId(random_uuid()));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, AnExpiredSecretIsNotFoundFromThatInstantOn) {
    Steps steps(db());
    model::Secret secret = make_secret();
    secret.attributes.expiration = Now + hours(1);
    steps.store(secret);
    EXPECT_TRUE(steps.find(secret.id, Now + hours(1) - microseconds(1)));
    EXPECT_EQ(steps.find(secret.id, Now + hours(1)).error().code, Code::NotFound);
    EXPECT_EQ(steps.find_both(secret.id, Now + hours(1)).error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, APayloadComesBackWithItsKek) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(secret);
    steps.store(kek);
    steps.pay(secret.id, kek.id, "cipher", Now + hours(1));

    const auto payload = db().read([&](Session& session) { return find_payload(session, secret.id); });
    ASSERT_TRUE(payload) << payload.error().detail;
    EXPECT_EQ(payload->content_type, "text/plain");
    EXPECT_EQ(payload->wrapped.cypher_text, "cipher");
    EXPECT_FALSE(payload->wrapped.kek_meta_extended);
    EXPECT_EQ(payload->kek.id, kek.id);
    EXPECT_EQ(payload->kek.project, Ours);
    EXPECT_EQ(payload->kek.plugin_name, Plugin);
    EXPECT_EQ(payload->kek.label, kek.label);
    EXPECT_EQ(payload->kek.algorithm, "aes");
    EXPECT_EQ(payload->kek.bit_length, 128);
    EXPECT_EQ(payload->kek.mode, "cbc");
    EXPECT_EQ(payload->kek.plugin_meta, "gAAAAA");

    const auto both = steps.find_both(secret.id);
    ASSERT_TRUE(both) << both.error().detail;
    EXPECT_EQ(both->secret.id, secret.id);
    EXPECT_EQ(both->secret.content_type, "text/plain");
    EXPECT_EQ(both->secret.updated, Now + hours(1));
    ASSERT_TRUE(both->payload);
    EXPECT_EQ(both->payload->wrapped.cypher_text, "cipher");
    EXPECT_EQ(both->payload->content_type, "text/plain");
    EXPECT_EQ(both->payload->kek.id, kek.id);
    EXPECT_EQ(both->payload->kek.plugin_meta, "gAAAAA");
    EXPECT_EQ(both->payload->kek.project, Ours);
    EXPECT_EQ(steps.find(secret.id)->content_type, "text/plain");
}

TEST_P(RepositoryConformance, APayloadUnderAnotherProjectsKekIsCorrupt) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek(Theirs);
    steps.store(secret);
    steps.store(kek);
    steps.pay(secret.id, kek.id, "cipher");
    EXPECT_EQ(steps.find_both(secret.id).error().code, Code::Corrupt);
}

TEST_P(RepositoryConformance, TheExtendedMetaOfAPayloadIsKept) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(secret);
    steps.store(kek);
    steps
        .write([&](Session& session) {
            return insert_payload(session, secret.id, kek.id, {"c", R"({"iv":"x"})"}, "text/plain", StorePlugin, Now);
        })
        .has_value();
    EXPECT_EQ(steps.find_both(secret.id)->payload->wrapped.kek_meta_extended, R"({"iv":"x"})");
}

TEST_P(RepositoryConformance, ASecretWithoutPayloadSaysSo) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    steps.store(secret);
    const auto both = steps.find_both(secret.id);
    ASSERT_TRUE(both);
    EXPECT_FALSE(both->payload);
    const auto payload = db().read([&](Session& session) { return find_payload(session, secret.id); });
    ASSERT_FALSE(payload);
    EXPECT_EQ(payload.error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, ASecondPayloadIsAConflictAndTheFirstStays) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(secret);
    steps.store(kek);
    steps.pay(secret.id, kek.id, "first");
    const auto again = db().write([&](Session& session) {
        return insert_payload(session, secret.id, kek.id, {"second", {}}, "text/plain", StorePlugin, Now);
    });
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Conflict);
    EXPECT_EQ(steps.find_both(secret.id)->payload->wrapped.cypher_text, "first");
}

TEST_P(RepositoryConformance, APayloadForNoSecretIsNotFound) {
    Steps steps(db());
    const model::KekMeta kek = make_kek();
    steps.store(kek);
    const auto written = db().write([&](Session& session) {
        return insert_payload(session, SecretId(random_uuid()), kek.id, {"c", {}}, "text/plain", StorePlugin, Now);
    });
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, ADeletedSecretIsGoneWithItsPayloadAndAccessList) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(secret);
    steps.store(kek);
    steps.pay(secret.id, kek.id, "cipher");
    steps.write([&](Session& session) {
             return put_acl(session, secret.id, {false, {UserId("a")}, {}, {}}, Now);
         })
        .has_value();
    steps.write([&](Session& session) { return delete_secret(session, secret.id, Now); }).has_value();

    EXPECT_EQ(steps.find(secret.id).error().code, Code::NotFound);
    EXPECT_EQ(steps.find_both(secret.id).error().code, Code::NotFound);
    const auto payload = db().read([&](Session& session) { return find_payload(session, secret.id); });
    EXPECT_EQ(payload.error().code, Code::NotFound);
    const auto again = db().write([&](Session& session) { return delete_secret(session, secret.id, Now); });
    EXPECT_EQ(again.error().code, Code::NotFound);
    EXPECT_EQ(steps.list({}).total, 0);
    EXPECT_EQ(*db().read([&](Session& session) { return count_secrets(session, Ours, Now); }), 0);
}

TEST_P(RepositoryConformance, AnExpiredSecretCannotBeDeleted) {
    Steps steps(db());
    model::Secret secret = make_secret();
    secret.attributes.expiration = Now;
    steps.store(secret);
    const auto gone = db().write([&](Session& session) { return delete_secret(session, secret.id, Now); });
    EXPECT_EQ(gone.error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, AnAccessListComesBackWithAllItsUsersOnce) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(secret);
    steps.store(kek);
    steps.pay(secret.id, kek.id, "cipher");
    const std::vector<UserId> users{UserId("a"), UserId("b"), UserId("a"), UserId("c")};
    steps.write([&](Session& session) { return put_acl(session, secret.id, {false, users, {}, {}}, Now); }).has_value();
    for (const auto& acl : {steps.find(secret.id)->acl, steps.find_both(secret.id)->secret.acl}) {
        ASSERT_TRUE(acl);
        EXPECT_FALSE(acl->project_access);
        EXPECT_EQ(acl->created, Now);
        EXPECT_EQ(acl->updated, Now);
        std::vector<std::string> names;
        for (const auto& user : acl->users) names.push_back(user.str());
        std::ranges::sort(names);
        EXPECT_EQ(names, (Names{"a", "b", "c"}));
    }
    EXPECT_EQ(steps.find_both(secret.id)->payload->wrapped.cypher_text, "cipher");
}

TEST_P(RepositoryConformance, AnAccessListIsReplacedButKeepsItsBirthday) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    steps.store(secret);
    const auto put = [&](bool access, std::vector<UserId> users, Timestamp when) {
        steps.write([&](Session& session) {
                 return put_acl(session, secret.id, {access, users, {}, {}}, when);
             })
            .has_value();
    };
    put(false, {UserId("a"), UserId("b")}, Now);
    put(true, {}, Now + hours(1));
    const auto found = steps.find(secret.id);
    ASSERT_TRUE(found->acl);
    EXPECT_TRUE(found->acl->project_access);
    EXPECT_TRUE(found->acl->users.empty());
    EXPECT_EQ(found->acl->created, Now);
    EXPECT_EQ(found->acl->updated, Now + hours(1));
    EXPECT_EQ(found->updated, Now + hours(1));
}

TEST_P(RepositoryConformance, RemovingAnAccessListTwiceIsNoError) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    steps.store(secret);
    steps.write([&](Session& session) { return put_acl(session, secret.id, {false, {}, {}, {}}, Now); }).has_value();
    steps.write([&](Session& session) { return remove_acl(session, secret.id); }).has_value();
    steps.write([&](Session& session) { return remove_acl(session, secret.id); }).has_value();
    EXPECT_FALSE(steps.find(secret.id)->acl);
}

TEST_P(RepositoryConformance, TheNewestActiveKekOfAProjectAndPluginIsFound) {
    Steps steps(db());
    const auto find = [&](const ProjectId& project, const std::string& plugin) {
        return *db().read([&](Session& session) { return find_kek(session, project, plugin); });
    };
    EXPECT_FALSE(find(Ours, Plugin));
    const model::KekMeta older = make_kek(), newer = make_kek(), theirs = make_kek(Theirs);
    steps.store(newer, Now + hours(1));
    steps.store(older, Now);
    steps.store(theirs, Now + hours(2));
    ASSERT_TRUE(find(Ours, Plugin));
    EXPECT_EQ(find(Ours, Plugin)->id, newer.id);
    EXPECT_EQ(find(Theirs, Plugin)->id, theirs.id);
    EXPECT_FALSE(find(Ours, "another.Plugin"));
}

TEST_P(RepositoryConformance, AListHasOnlyWhatLivesInTheProject) {
    Steps steps(db());
    model::Secret first = make_secret(), expired = make_secret(), foreign = make_secret(Theirs);
    first.attributes.name = "first";
    expired.attributes.expiration = Now;
    for (const auto& secret : {first, expired, foreign}) steps.store(secret);
    const auto page = steps.list({});
    ASSERT_EQ(page.total, 1);
    EXPECT_EQ(page.items.at(0).id, first.id);
    EXPECT_EQ(*db().read([&](Session& session) { return count_secrets(session, Ours, Now); }), 1);
}

TEST_P(RepositoryConformance, AListSaysWhichContentEachHas) {
    Steps steps(db());
    const model::Secret with = make_secret(), without = make_secret();
    const model::KekMeta kek = make_kek();
    steps.store(with);
    steps.store(without);
    steps.store(kek);
    steps.pay(with.id, kek.id, "c");
    for (const auto& secret : steps.list({}).items) {
        EXPECT_EQ(secret.content_type.has_value(), secret.id == with.id);
    }
}

TEST_P(RepositoryConformance, PagesOfAListDoNotOverlapAndCountAll) {
    Steps steps(db());
    for (int i = 0; i < 7; ++i) steps.store(make_secret());
    std::vector<std::string> seen;
    for (int offset = 0; offset < 9; offset += 3) {
        const auto page = steps.list({}, {3, offset});
        EXPECT_EQ(page.total, 7);
        for (const auto& secret : page.items) seen.push_back(secret.id.str());
    }
    std::ranges::sort(seen);
    EXPECT_EQ(seen.size(), 7u);
    EXPECT_EQ(std::ranges::unique(seen).size(), 0u);
}

TEST_P(RepositoryConformance, TheNextExpirationIsThatOfAnyProject) {
    Steps steps(db());
    const auto next = [this](Timestamp now) {
        return db().read([now](Session& session) { return next_expiration(session, now); });
    };
    EXPECT_EQ(*next(Now), Timestamp::max());
    for (const auto& expiration :
         {std::optional(Now + hours(2)), std::optional(Now + hours(1)), std::optional<Timestamp>()}) {
        model::Secret secret = make_secret();
        secret.attributes.expiration = expiration;
        steps.store(secret);
    }
    EXPECT_EQ(*next(Now), Now + hours(1));
    EXPECT_EQ(*next(Now + hours(1)), Now + hours(2));
    EXPECT_EQ(*next(Now + hours(2)), Timestamp::max());
}

TEST_P(RepositoryConformance, AListWhoseTotalIsKnownIsNotCounted) {
    Steps steps(db());
    steps.store(make_secret());
    const auto page = db().read([](Session& session) { return list_secrets(session, Ours, {}, {}, Now, 41); });
    ASSERT_TRUE(page);
    EXPECT_EQ(page->total, 41);
    EXPECT_EQ(page->items.size(), 1u);
}

TEST_P(RepositoryConformance, FiltersOfAListAllHaveToMatch) {
    Steps steps(db());
    int hour = 0;
    for (const char* name : {"alpha", "beta", "alphabet"}) {
        model::Secret secret = make_secret();
        secret.attributes = {name,  model::SecretType::Symmetric, "aes", 128 + 64 * hour,
                             "cbc", Now + hours(100 + hour)};
        secret.created = Now + hours(hour);
        secret.updated = Now + hours(10 + hour);
        ++hour;
        steps.store(secret);
    }
    using Op = model::TimeBound::Op;
    model::SecretFilter filter;
    filter.name = "alpha";
    EXPECT_EQ(steps.names(filter), (Names{"alpha"}));
    filter.name = "alpha%";  // a name, not a pattern
    EXPECT_TRUE(steps.names(filter).empty());
    filter.name = "alph_";
    EXPECT_TRUE(steps.names(filter).empty());
    filter = {};
    filter.bits = 256;
    EXPECT_EQ(steps.names(filter), (Names{"alphabet"}));
    filter = {};
    filter.algorithm = "aes";
    filter.mode = "cbc";
    filter.secret_type = "symmetric";
    EXPECT_EQ(steps.names(filter).size(), 3u);
    filter.secret_type = "nonsense";
    EXPECT_TRUE(steps.names(filter).empty());
    filter = {};
    filter.created = {{Op::Greater, Now}, {Op::LessOrEqual, Now + hours(1)}};
    EXPECT_EQ(steps.names(filter), (Names{"beta"}));
    filter = {};
    filter.updated = {{Op::Less, Now + hours(11)}};
    EXPECT_EQ(steps.names(filter), (Names{"alpha"}));
    filter = {};
    filter.expiration = {{Op::GreaterOrEqual, Now + hours(101)}};
    EXPECT_EQ(steps.names(filter), (Names{"beta", "alphabet"}));
    filter.expiration = {{Op::Equal, Now + hours(101)}};
    EXPECT_EQ(steps.names(filter), (Names{"beta"}));
    filter = {};
    filter.name = "' OR '1'='1";
    EXPECT_TRUE(steps.names(filter).empty());
}

TEST_P(RepositoryConformance, AListIsSortedByWhatIsAsked) {
    Steps steps(db());
    const auto add = [&steps](const char* name, int bits, int created) {
        model::Secret secret = make_secret();
        secret.attributes.name = name;
        secret.attributes.bit_length = bits;
        secret.created = Now + hours(created);
        steps.store(secret);
    };
    add("b", 1, 3);
    add("c", 2, 2);
    add("a", 2, 1);
    model::SecretFilter filter;
    EXPECT_EQ(steps.names(filter), (Names{"a", "c", "b"}));
    filter.sort = {{"name", true}};
    EXPECT_EQ(steps.names(filter), (Names{"c", "b", "a"}));
    filter.sort = {{"bit_length", true}, {"name", false}};
    EXPECT_EQ(steps.names(filter), (Names{"a", "c", "b"}));
    filter.sort = {{"created", false}};
    EXPECT_EQ(steps.names(filter), (Names{"a", "c", "b"}));
}

TEST_P(RepositoryConformance, AListIsNotSortedByWhatIsNoColumn) {
    model::SecretFilter filter;
    filter.sort = {{"name; DROP TABLE secrets", false}};
    const auto page = db().read([&](Session& session) { return list_secrets(session, Ours, filter, {}, Now); });
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Code::InvalidInput);
}

TEST_P(RepositoryConformance, AclOnlyListsWhatTheUserWasGivenInAnyProject) {
    Steps steps(db());
    const model::Secret given = make_secret(Theirs), other = make_secret(Theirs), own = make_secret();
    for (const auto& secret : {given, other, own}) steps.store(secret);
    steps
        .write([&](Session& session) {
            return put_acl(session, given.id, {true, {UserId("me"), UserId("you")}, {}, {}}, Now);
        })
        .has_value();
    model::SecretFilter filter;
    filter.acl_only = UserId("me");
    const auto page = steps.list(filter);
    ASSERT_EQ(page.total, 1);
    EXPECT_EQ(page.items.at(0).id, given.id);
}

model::Order make_order(const std::string& name, int hour = 0) {
    model::Order order;
    order.id = OrderId(random_uuid());
    order.project = Ours;
    order.meta = R"({"name": ")" + name + R"(", "algorithm": "aes"})";
    order.created = order.updated = Now + hours(hour);
    return order;
}

TEST_P(RepositoryConformance, AnOrderComesBackWithAllThatIsKnownOfIt) {
    Steps steps(db());
    const model::Secret secret = make_secret();
    steps.store(secret);
    model::Order order = make_order("n");
    order.type = model::OrderType::Asymmetric;
    order.status = model::Status::Error;
    order.creator = UserId("u");
    order.secret = secret.id;
    order.error_status_code = "400";
    order.error_reason = "why";
    order.sub_status = "Unknown";
    order.sub_status_message = "Unknown";
    steps.store(order);
    const auto found = db().read([&](Session& session) { return find_order(session, Ours, order.id); });
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->type, model::OrderType::Asymmetric);
    EXPECT_EQ(found->status, model::Status::Error);
    EXPECT_EQ(found->meta, order.meta);
    EXPECT_EQ(found->project, Ours);
    EXPECT_EQ(found->creator, order.creator);
    EXPECT_EQ(found->secret, secret.id);
    EXPECT_FALSE(found->container);
    EXPECT_EQ(found->error_status_code, "400");
    EXPECT_EQ(found->error_reason, "why");
    EXPECT_EQ(found->sub_status, "Unknown");
    EXPECT_EQ(found->sub_status_message, "Unknown");
    EXPECT_EQ(found->created, Now);
}

TEST_P(RepositoryConformance, AnOrderIsSeenAndDeletedInItsProjectOnly) {
    Steps steps(db());
    const model::Order order = make_order("n");
    steps.store(order);
    const auto find = [&](const ProjectId& project) {
        return db().read([&](Session& session) { return find_order(session, project, order.id); });
    };
    const auto remove = [&](const ProjectId& project) {
        return db().write([&](Session& session) { return delete_order(session, project, order.id, Now); });
    };
    EXPECT_EQ(find(Theirs).error().code, Code::NotFound);
    EXPECT_EQ(remove(Theirs).error().code, Code::NotFound);
    EXPECT_TRUE(find(Ours));
    EXPECT_TRUE(remove(Ours));
    EXPECT_EQ(find(Ours).error().code, Code::NotFound);
    EXPECT_EQ(remove(Ours).error().code, Code::NotFound);
}

TEST_P(RepositoryConformance, OrdersAreListedOldestFirstAndFilteredByWordsOfTheirMeta) {
    Steps steps(db());
    steps.store(make_order("second", 2));
    steps.store(make_order("first", 1));
    const auto list = [&](const std::optional<std::string>& meta, const model::Page& page) {
        return *db().read([&](Session& session) { return list_orders(session, Ours, meta, page); });
    };
    const auto all = list({}, {});
    ASSERT_EQ(all.items.size(), 2u);
    EXPECT_EQ(all.total, 2);
    EXPECT_LT(all.items[0].created, all.items[1].created);
    EXPECT_EQ(list({}, {1, 1}).items.at(0).id, all.items[1].id);
    EXPECT_EQ(list("second", {}).items.at(0).id, all.items[1].id);
    EXPECT_EQ(list("aes", {}).total, 2);
    EXPECT_EQ(list("sec", {}).total, 0);  // a whole JSON string, as Barbican looks for
}

TEST_P(RepositoryConformance, ACanaryIsReplaced) {
    Steps steps(db());
    steps.write([](Session& session) { return put_canary(session, "Software", "one", Now); }).has_value();
    steps.write([](Session& session) { return put_canary(session, "Software", "two", Now); }).has_value();
    EXPECT_EQ(*db().read([](Session& session) { return find_canary(session, "Software"); }), "two");
    EXPECT_FALSE(*db().read([](Session& session) { return find_canary(session, "HSM"); }));
}

TEST_P(RepositoryConformance, KeksAreListedInPagesRetiredAndWrappedAnew) {
    Steps steps(db());
    std::vector<model::KekMeta> keks{make_kek(), make_kek(), make_kek(Theirs)};
    for (const model::KekMeta& kek : keks) steps.store(kek);
    const auto page = [&](const KekId& after, int limit) {
        return *db().read([&](Session& session) { return list_keks(session, Plugin, after, limit); });
    };
    std::ranges::sort(keks, {}, [](const model::KekMeta& kek) { return kek.id.str(); });
    ASSERT_EQ(page(KekId(), 2).size(), 2U);
    EXPECT_EQ(page(KekId(), 2)[1].kek.id, keks[1].id);
    ASSERT_EQ(page(keks[1].id, 2).size(), 1U);
    EXPECT_TRUE(page(keks[1].id, 2)[0].is_active);

    const auto replace = [&](const std::string& seen, const std::string& wrapping) {
        model::KekMeta kek = keks[0];
        kek.plugin_meta = seen;
        return *steps.write([&](Session& session) { return replace_wrapping(session, kek, wrapping, Now); });
    };
    EXPECT_FALSE(replace("not what is there", "x"));
    EXPECT_TRUE(replace("gAAAAA", "gBBBBB"));
    EXPECT_FALSE(replace("gAAAAA", "gCCCCC"));
    EXPECT_EQ(page(KekId(), 1)[0].kek.plugin_meta, "gBBBBB");

    const auto projects =
        db().read([](Session& session) { return projects_with_kek(session, Plugin, ProjectId(), 10); });
    EXPECT_EQ(*projects, (std::vector{Ours, Theirs}));
    const auto ours = std::ranges::find(keks, Ours, &model::KekMeta::project);
    steps.write([&](Session& session) { return retire_other_keks(session, *ours, Now); }).has_value();
    std::size_t retired = 0;
    for (const auto& [kek, is_active] : page(KekId(), 10)) {
        if (is_active) continue;
        ++retired;
        EXPECT_EQ(kek.project, Ours);
        EXPECT_NE(kek.id, ours->id);
    }
    EXPECT_EQ(retired, 1U);
}

TEST_P(RepositoryConformance, PayloadsUnderRetiredKeksAreFoundAndReplaced) {
    Steps steps(db());
    const model::KekMeta old = make_kek(), fresh = make_kek();
    const model::Secret secret = make_secret();
    steps.store(secret);
    steps.store(old);
    steps.pay(secret.id, old.id, "cipher");
    const auto retired = [&] {
        return *db().read([](Session& session) { return list_retired_payloads(session, Plugin, PayloadId(), 10); });
    };
    EXPECT_TRUE(retired().empty());
    steps.store(fresh);
    steps.write([&](Session& session) { return retire_other_keks(session, fresh, Now); }).has_value();
    ASSERT_EQ(retired().size(), 1U);
    RetiredPayload seen = retired()[0];
    EXPECT_EQ(seen.secret, secret.id);
    EXPECT_EQ(seen.project, Ours);
    EXPECT_EQ(seen.kek.id, old.id);
    const auto replace = [&] {
        return *steps.write([&](Session& session) {
            return replace_payload(session, seen, fresh.id, {"anew", std::nullopt}, Now);
        });
    };
    seen.wrapped.cypher_text = "not what is there";
    EXPECT_FALSE(replace());
    seen.wrapped.cypher_text = "cipher";
    EXPECT_TRUE(replace());
    EXPECT_TRUE(retired().empty());
    EXPECT_EQ(steps.find_both(secret.id)->payload->wrapped.cypher_text, "anew");
    EXPECT_EQ(steps.find_both(secret.id)->payload->kek.id, fresh.id);
}

}  // namespace

void RepositoryConformance::SetUp() {
    DatabaseConformance::SetUp();
    Now = GetParam().keeps_microseconds ? WholeNow + microseconds(123456) : WholeNow;
}

}  // namespace sallyport::db
