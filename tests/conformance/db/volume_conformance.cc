#include <string>

#include "keymanager/base/uuid.h"
#include "keymanager/db/clean.h"
#include "keymanager/db/life_cycle_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/volume_repository.h"
#include "tests/conformance/db/database_conformance.h"

namespace sallyport::db {
namespace {

using model::HeaderVersion;
using model::VolumeChange;
using model::VolumeRecord;
using model::VolumeUuid;

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(6);
const ProjectId Ours("11112222333344445555666677778888");
const SecretId OldSecret("11111111-1111-4111-8111-111111111111");
const SecretId NewSecret("22222222-2222-4222-8222-222222222222");

VolumeRecord record(const VolumeUuid& uuid) {
    VolumeRecord record{.uuid = uuid, .project = Ours};
    record.secret = OldSecret;
    record.host = "node";
    record.device = "/dev/vdb";
    return record;
}

model::KekMeta kek_of(Session& session) {
    EXPECT_TRUE(ensure_project(session, Ours, Now));
    auto kek = find_kek(session, Ours, "plugin");
    if (kek && *kek) return **kek;
    model::KekMeta fresh;
    fresh.id = KekId(random_uuid());
    fresh.project = Ours;
    fresh.plugin_name = "plugin";
    EXPECT_TRUE(insert_kek(session, fresh, Now));
    return fresh;
}

Result<int> keep(Database& db, const VolumeUuid& uuid, const std::string& digest) {
    return db.write([&uuid, &digest](Session& session) -> Result<int> {
        StoredHeader header;
        header.id = HeaderCopyId(random_uuid());
        header.version.uuid = uuid;
        header.version.digest = digest;
        header.version.reason = "request";
        header.version.size = 100'000;
        header.project = Ours;
        header.key = {"wrapped key", "meta"};
        header.kek = kek_of(session);
        header.pieces = {std::string(61'440, 'A'), "B"};
        return insert_header(session, header, Now);
    });
}

TEST_P(RepositoryConformance, AVolumesRecordIsPutReplacedFoundAndForgotten) {
    const VolumeUuid uuid(random_uuid()), other(random_uuid());
    const auto found = [this, &uuid] {
        return *db().read([&uuid](Session& session) { return find_volume(session, uuid); });
    };
    EXPECT_FALSE(found());
    VolumeRecord wanted = record(uuid);
    ASSERT_TRUE(db().write([&wanted](Session& session) { return put_volume(session, wanted, Now); }));
    EXPECT_EQ(found()->secret, OldSecret);
    EXPECT_EQ(found()->project, Ours);
    EXPECT_FALSE(found()->next_secret);

    wanted.next_secret = NewSecret;
    wanted.change = VolumeChange::Rotation;
    wanted.note = "{}";
    for (int twice = 0; twice < 2; ++twice) {
        ASSERT_TRUE(db().write([&wanted](Session& session) { return put_volume(session, wanted, Now); }));
    }
    EXPECT_EQ(found()->next_secret, NewSecret);
    EXPECT_EQ(found()->change, VolumeChange::Rotation);
    EXPECT_EQ(found()->note, "{}");

    // Another volume on the same device: the first is not there any more.
    const VolumeRecord second = record(other);
    ASSERT_TRUE(db().write([&second](Session& session) { return put_volume(session, second, Now); }));
    EXPECT_EQ(found()->device, "");
    EXPECT_EQ((*db().read([](Session& session) { return find_volume_on(session, "node", "/dev/vdb"); }))->uuid, other);
    EXPECT_EQ(db().read([](Session& session) { return list_volumes(session, "node"); })->size(), 2u);
    EXPECT_EQ(db().read([](Session& session) { return list_volumes(session, "elsewhere"); })->size(), 0u);
    EXPECT_EQ(db().read([](Session& session) { return list_volumes(session, ""); })->size(), 2u);

    ASSERT_TRUE(db().write([&uuid](Session& session) { return forget_volume(session, uuid); }));
    EXPECT_FALSE(found());
}

TEST_P(RepositoryConformance, HeadersCountTheirVersionsAndComeBackWhole) {
    const VolumeUuid uuid(random_uuid());
    const std::string first(64, 'a'), second(64, 'b');
    EXPECT_EQ(*keep(db(), uuid, first), 1);
    EXPECT_EQ(*keep(db(), uuid, second), 2);
    EXPECT_EQ(*keep(db(), VolumeUuid(random_uuid()), first), 1);
    const auto kept = *db().read([&uuid](Session& session) { return list_headers(session, uuid); });
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(kept[0].version, 2);
    EXPECT_EQ(kept[0].digest, second);
    EXPECT_EQ(kept[1].digest, first);
    const auto whole = *db().read([&uuid](Session& session) { return find_header(session, uuid, 2); });
    EXPECT_EQ(whole.pieces, (std::vector<std::string>{std::string(61'440, 'A'), "B"}));
    EXPECT_EQ(whole.key.cypher_text, "wrapped key");
    EXPECT_EQ(whole.key.kek_meta_extended, "meta");
    EXPECT_EQ(whole.kek.plugin_name, "plugin");
    EXPECT_EQ(whole.kek.project, Ours);
    EXPECT_EQ(whole.version.size, 100'000);
    EXPECT_EQ(db().read([&uuid](Session& session) { return find_header(session, uuid, 3); }).error().code,
              Code::NotFound);
}

TEST_P(RepositoryConformance, OlderHeadersAreDestroyedAndTheVersionsGoOn) {
    const VolumeUuid uuid(random_uuid());
    for (const char digit : {'a', 'b', 'c'}) ASSERT_TRUE(keep(db(), uuid, std::string(64, digit)));
    EXPECT_EQ(*db().write([&uuid](Session& session) { return destroy_headers_before(session, uuid, 3); }), 2);
    EXPECT_EQ(db().read([&uuid](Session& session) { return list_headers(session, uuid); })->size(), 1u);
    EXPECT_EQ(*keep(db(), uuid, std::string(64, 'd')), 4);
    EXPECT_EQ(*db().write([&uuid](Session& session) { return destroy_headers_before(session, uuid, 99); }), 2);
    EXPECT_TRUE(db().read([&uuid](Session& session) { return list_headers(session, uuid); })->empty());
}

TEST_P(RepositoryConformance, CleaningLeavesTheKekUnderWhichAHeaderLies) {
    const VolumeUuid uuid(random_uuid());
    ASSERT_TRUE(keep(db(), uuid, std::string(64, 'a')));
    const auto is_whole = [this, &uuid] {
        return bool(db().read([&uuid](Session& session) { return find_header(session, uuid, 1); }));
    };
    const Timestamp later = Now + std::chrono::hours(1);
    ASSERT_TRUE(clean(db(), {later, true}));
    EXPECT_TRUE(is_whole());
    ASSERT_TRUE(db().write([](Session& session) { return delete_project(session, Ours, Now); }));
    ASSERT_TRUE(clean(db(), {later, true}));
    EXPECT_TRUE(is_whole());
    ASSERT_TRUE(db().write([&uuid](Session& session) { return destroy_headers_before(session, uuid, 2); }));
    ASSERT_TRUE(clean(db(), {later, true}));
    EXPECT_FALSE(*db().read([](Session& session) { return find_kek(session, Ours, "plugin"); }));
}

TEST_P(RepositoryConformance, ADestroyedSecretCannotComeBack) {
    model::Secret secret;
    secret.id = SecretId(random_uuid());
    secret.project = Ours;
    secret.created = secret.updated = Now;
    ASSERT_TRUE(db().write([&secret](Session& session) -> Result<void> {
        const model::KekMeta kek = kek_of(session);
        TRY(insert_secret(session, secret));
        return insert_payload(session, secret.id, kek.id, {"wrapped", {}}, "text/plain", "store", Now);
    }));
    const auto left = [this, &secret] {
        return *db().read([&secret](Session& session) { return count_ciphertexts(session, secret.id); });
    };
    EXPECT_EQ(left(), 1);
    EXPECT_EQ(*db().write([&secret](Session& session) { return destroy_secret(session, secret.id, Now); }), 1);
    EXPECT_EQ(left(), 0);
    const auto remains = *db().read([&secret](Session& session) { return find_remains(session, secret.id); });
    EXPECT_TRUE(remains.deleted);
    EXPECT_FALSE(remains.has_payload);
    // Once more, as after a crash; and one that never was.
    EXPECT_EQ(*db().write([&secret](Session& session) { return destroy_secret(session, secret.id, Now); }), 0);
    EXPECT_EQ(*db().write([](Session& session) { return destroy_secret(session, OldSecret, Now); }), 0);
}

}  // namespace
}  // namespace sallyport::db
