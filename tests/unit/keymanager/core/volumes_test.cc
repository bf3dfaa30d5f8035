#include "keymanager/core/volumes.h"

#include <gmock/gmock.h>

#include <string>

#include "keymanager/core/consumers.h"
#include "tests/unit/keymanager/core/world.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::core {
namespace {

using model::HeaderVersion;
using model::VolumeRecord;
using model::VolumeUuid;
using testing::HasSubstr;

const VolumeUuid Uuid("4ef6a0d2-c1aa-4075-8954-516b223a651e");

class VolumesTest : public KeyManagerWorld {
protected:
    Volumes& volumes() { return key_manager_->volumes(); }
    VolumeRecord record() {
        VolumeRecord record{.uuid = Uuid, .project = {}};
        record.host = "node";
        record.device = "/dev/vdb";
        return record;
    }
    Result<HeaderVersion> keep(const Bytes& copy, const Caller& caller = Admin) {
        HeaderVersion facts;
        facts.uuid = Uuid;
        facts.reason = "request";
        return volumes().keep_header(caller, facts, copy);
    }
};

TEST_F(VolumesTest, RecordsAreOfTheCallersProjectAndForItsAdministrators) {
    ASSERT_TRUE(volumes().put(Admin, record()));
    EXPECT_EQ((*volumes().find(Admin, Uuid))->project, Admin.project);
    EXPECT_EQ((*volumes().find_on(Admin, "node", "/dev/vdb"))->uuid, Uuid);
    EXPECT_EQ(code_of(volumes().find(Stranger, Uuid)), Code::Forbidden);
    EXPECT_EQ(code_of(volumes().put(Stranger, record())), Code::Forbidden);
    EXPECT_EQ(code_of(volumes().find(Creator, Uuid)), Code::Forbidden);
    // The operators of all projects; the project stays what it is.
    ASSERT_TRUE(volumes().put(ServiceAdmin, record()));
    EXPECT_EQ((*volumes().find(Admin, Uuid))->project, Admin.project);
    EXPECT_EQ(code_of(volumes().forget(Stranger, Uuid)), Code::Forbidden);
    ASSERT_TRUE(volumes().forget(Admin, Uuid));
    EXPECT_FALSE(*volumes().find(Admin, Uuid));
}

TEST_F(VolumesTest, HeadersOfAnySizeComeBackAsTheyWere) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{46'080}, std::size_t{46'081}, std::size_t{300'000}}) {
        const Bytes copy(size, std::byte{7});
        const auto kept = keep(copy);
        ASSERT_TRUE(kept) << kept.error().detail;
        EXPECT_EQ(kept->size, static_cast<std::int64_t>(size));
        EXPECT_EQ(*volumes().header(Admin, Uuid, kept->version), copy);
    }
    EXPECT_EQ(volumes().headers(Admin, Uuid)->size(), 4u);
    EXPECT_EQ(volumes().newest_header(Uuid)->value().version, 4);
}

TEST_F(VolumesTest, TheSameHeaderIsKeptOnce) {
    const Bytes copy(1000, std::byte{1});
    EXPECT_EQ(keep(copy)->version, 1);
    EXPECT_EQ(keep(copy)->version, 1);
    EXPECT_EQ(keep(Bytes(1000, std::byte{2}))->version, 2);
    EXPECT_EQ(keep(copy)->version, 3);
}

TEST_F(VolumesTest, HeadersAreForAdministratorsOfTheProject) {
    ASSERT_TRUE(volumes().put(Admin, record()));
    ASSERT_TRUE(keep(Bytes(10)));
    EXPECT_EQ(code_of(volumes().header(Stranger, Uuid, 1)), Code::Forbidden);
    EXPECT_EQ(code_of(volumes().headers(Creator, Uuid)), Code::Forbidden);
    EXPECT_EQ(code_of(keep(Bytes(11), Stranger)), Code::Forbidden);
    EXPECT_EQ(code_of(volumes().destroy_headers_before(Stranger, Uuid, 9)), Code::Forbidden);
    EXPECT_EQ(code_of(volumes().header(Admin, Uuid, 2)), Code::NotFound);
    EXPECT_EQ(*volumes().destroy_headers_before(Admin, Uuid, 9), 1);
    EXPECT_EQ(code_of(volumes().header(Admin, Uuid, 1)), Code::NotFound);
}

TEST_F(VolumesTest, ADestroyedSecretIsGoneForGood) {
    const SecretId id = stored(Admin);
    EXPECT_FALSE(*volumes().is_destroyed(id));
    EXPECT_EQ(code_of(volumes().destroy_secret(Stranger, id, Uuid.str())), Code::Forbidden);
    EXPECT_EQ(*volumes().destroy_secret(Admin, id, Uuid.str()), 1);
    EXPECT_TRUE(*volumes().is_destroyed(id));
    EXPECT_EQ(code_of(key_manager_->fetch(Admin, id)), Code::NotFound);
    EXPECT_THAT(key_manager_->life_cycle().undelete(Admin, id).error().message, HasSubstr("no payload"));
    EXPECT_EQ(*volumes().destroy_secret(Admin, id, Uuid.str()), 0);
}

TEST_F(VolumesTest, ASecretThatWasDeletedBeforeCanStillBeDestroyed) {
    const SecretId id = stored(Admin);
    ASSERT_TRUE(key_manager_->remove(Admin, id));
    EXPECT_FALSE(*volumes().is_destroyed(id));
    EXPECT_EQ(code_of(volumes().destroy_secret(Stranger, id, Uuid.str())), Code::Forbidden);
    EXPECT_EQ(*volumes().destroy_secret(Admin, id, Uuid.str()), 1);
    EXPECT_TRUE(*volumes().is_destroyed(id));
}

TEST_F(VolumesTest, ASecretThatOthersUseIsNotDestroyed) {
    const SecretId id = stored(Admin);
    model::SecretConsumer consumer;
    consumer.service = "volume";
    consumer.resource_type = "volume";
    consumer.resource_id = "another-volume";
    ASSERT_TRUE(key_manager_->consumers().add(Admin, id, consumer));
    const auto refused = volumes().destroy_secret(Admin, id, Uuid.str());
    EXPECT_EQ(code_of(refused), Code::Conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("volume volume another-volume"));
    EXPECT_TRUE(key_manager_->fetch(Admin, id));
    EXPECT_TRUE(volumes().destroy_secret(Admin, id, "another-volume"));
}

/// Whoever can write the database can take a header away, but not put another one in its place.
TEST(VolumeHeaders, AreBoundToTheirVolumeAndPlace) {
    db::SqliteFile file;
    fakes::ManualClock clock;
    const auto key_manager = *KeyManager::open(file.open(), std::make_unique<fakes::FakeSecretStore>(),
                                               *AccessPolicy::load("", false), clock, {});
    Volumes& volumes = key_manager->volumes();
    HeaderVersion facts;
    facts.uuid = Uuid;
    const Bytes copy(100'000, std::byte{1});
    ASSERT_TRUE(volumes.keep_header(Admin, facts, copy));
    ASSERT_TRUE(volumes.keep_header(Admin, facts, Bytes(100'000, std::byte{2})));
    const auto code = [&volumes](int version) { return code_of(volumes.header(Admin, Uuid, version)); };
    const std::string first = file.run("SELECT id FROM sp_volume_headers WHERE version = 1").at(0);
    file.run("CREATE TABLE kept AS SELECT * FROM sp_volume_header_pieces");
    const auto undo = [&file] {
        file.run("DELETE FROM sp_volume_header_pieces");
        file.run("INSERT INTO sp_volume_header_pieces SELECT * FROM kept");
    };
    EXPECT_EQ(*volumes.header(Admin, Uuid, 1), copy);

    file.run("DELETE FROM sp_volume_header_pieces WHERE piece = 1 AND header_id = '" + first + "'");
    EXPECT_EQ(code(1), Code::Corrupt);
    undo();
    for (const char* swap : {"piece = 9 WHERE piece = 1", "piece = 1 WHERE piece = 2", "piece = 2 WHERE piece = 9"}) {
        file.run("UPDATE sp_volume_header_pieces SET " + std::string(swap) + " AND header_id = '" + first + "'");
    }
    EXPECT_EQ(code(1), Code::Corrupt);
    undo();
    file.run("UPDATE sp_volume_headers SET volume_uuid = 'another' WHERE version = 2");
    EXPECT_EQ(code_of(volumes.header(Admin, VolumeUuid("another"), 2)), Code::Corrupt);
    file.run("UPDATE sp_volume_headers SET volume_uuid = '" + Uuid.str() + "' WHERE version = 2");
    EXPECT_TRUE(volumes.header(Admin, Uuid, 2));
    file.run(
        "UPDATE sp_volume_headers SET wrapped_key ="
        " (SELECT h.wrapped_key FROM sp_volume_headers h WHERE h.version = 1) WHERE version = 2");
    EXPECT_EQ(code(2), Code::Corrupt);
    EXPECT_EQ(*volumes.header(Admin, Uuid, 1), copy);
}

}  // namespace
}  // namespace sallyport::core
