#include "keymanager/db/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "keymanager/db/acl_repository.h"
#include "keymanager/db/clean.h"
#include "keymanager/db/inspect.h"
#include "keymanager/db/kek_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

const Timestamp Now = *parse_iso8601("2026-11-22T06:05:42.000123");
const ProjectId Project("p");

/// A database with two secrets, one of them deleted, and a folder beside it for a backup.
class BackupTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(database_->create_schema());
        ASSERT_TRUE(database_->write([](Session& session) -> Result<void> {
            TRY(ensure_project(session, Project, Now));
            model::KekMeta kek;
            kek.id = KekId("k");
            kek.project = Project;
            kek.plugin_name = "plugin";
            TRY(insert_kek(session, kek, Now));
            for (const char* id : {"alive", "dead"}) {
                model::Secret secret;
                secret.id = SecretId(id);
                secret.project = Project;
                secret.attributes.name = "\"grüße\"\n, [1]";
                secret.created = secret.updated = Now;
                TRY(insert_secret(session, secret));
                TRY(insert_payload(session, secret.id, kek.id, {"cipher", {}}, "text/plain", "store", Now));
                TRY(put_acl(session, secret.id, model::AccessList{false, {UserId("u")}, {}, {}}, Now));
            }
            TRY(put_canary(session, "Software", "bird", Now));
            return delete_secret(session, SecretId("dead"), Now);
        }));
    }
    std::string folder() const { return (source_.path().parent_path() / "backup").string(); }
    Result<BackupReport> write() { return write_backup(*database_, folder(), Now); }

    static std::vector<std::string> content(const SqliteFile& file) {
        std::vector<std::string> rows;
        for (const char* table : {"secrets", "encrypted_data", "kek_data", "projects", "secret_acls",
                                  "secret_acl_users", "secret_store_metadata", "sp_canaries"}) {
            for (auto& row : file.run(std::string("SELECT * FROM ") + table + " ORDER BY 1")) rows.push_back(row);
        }
        return rows;
    }

    const SqliteFile source_, target_;
    const std::unique_ptr<Database> database_ = source_.open();
    const std::unique_ptr<Database> empty_ = target_.open();
};

TEST_F(BackupTest, FillsAnEmptyDatabaseWithTheSameRows) {
    const auto written = write();
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(written->secrets, 2);
    const auto restored = restore_backup(*empty_, folder());
    ASSERT_TRUE(restored) << restored.error().message << restored.error().detail;
    EXPECT_EQ(restored->rows, written->rows);
    EXPECT_EQ(content(target_), content(source_));
}

TEST_F(BackupTest, IsNotRestoredOverData) {
    ASSERT_TRUE(write());
    const auto restored = restore_backup(*database_, folder());
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, Code::Conflict);
}

TEST_F(BackupTest, NeedsAFolderOfItsOwn) {
    ASSERT_TRUE(write());
    EXPECT_EQ(write().error().code, Code::Conflict);
    EXPECT_EQ(write_backup(*database_, "/nonexistent/folder", Now).error().code, Code::Io);
}

TEST_F(BackupTest, ThatFailsHalfWayLeavesNothing) {
    source_.run("UPDATE secrets SET created_at = 'yesterday' WHERE id = 'alive'");
    ASSERT_FALSE(write());
    EXPECT_FALSE(std::filesystem::exists(folder()));
    std::filesystem::create_directory(folder());
    ASSERT_FALSE(write());
    EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(BackupTest, ThatWasChangedIsCorruptAndLeavesNothing) {
    ASSERT_TRUE(write());
    std::ofstream(folder() + "/tables/secrets.jsonl", std::ios::app) << "[]\n";
    EXPECT_EQ(restore_backup(*empty_, folder()).error().code, Code::Corrupt);
    std::ofstream(folder() + "/manifest.json", std::ios::app) << " ";
    EXPECT_EQ(restore_backup(*empty_, folder()).error().code, Code::Corrupt);
    EXPECT_EQ(restore_backup(*empty_, folder() + "/tables").error().code, Code::InvalidInput);
}

TEST_F(BackupTest, OfADatabaseWithoutTablesIsRefused) {
    EXPECT_EQ(write_backup(*empty_, folder(), Now).error().code, Code::Conflict);
}

TEST_F(BackupTest, CleaningLeavesWhatIsAlive) {
    const auto early = clean(*database_, {Now, true});
    ASSERT_TRUE(early) << early.error().message;
    EXPECT_EQ(early->secrets, 0);
    const auto late = clean(*database_, {Now + std::chrono::seconds(1), true});
    ASSERT_TRUE(late) << late.error().message << late.error().detail;
    EXPECT_EQ(late->secrets, 1);
    EXPECT_EQ(late->projects, 0);
    EXPECT_EQ(source_.run("SELECT id FROM secrets"), (std::vector<std::string>{"alive"}));
    EXPECT_EQ(source_.run("SELECT secret_id FROM encrypted_data"), (std::vector<std::string>{"alive"}));

    ASSERT_TRUE(database_->write([](Session& session) { return delete_secret(session, SecretId("alive"), Now); }));
    const auto all = clean(*database_, {Now + std::chrono::seconds(1), true});
    ASSERT_TRUE(all);
    EXPECT_EQ(all->projects, 1);
    EXPECT_TRUE(source_.run("SELECT id FROM kek_data UNION SELECT id FROM projects").empty());
}

TEST_F(BackupTest, InspectionCountsAndFindsNoFault) {
    const auto found = inspect(*database_);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_TRUE(found->vendor.starts_with("SQLite 3."));
    EXPECT_EQ(found->revision, "8c74e2d7f1ff");
    EXPECT_EQ(found->secrets, 1);
    EXPECT_EQ(found->deleted_secrets, 1);
    EXPECT_TRUE(found->problems.empty());
    const auto keks = database_->read([](Session& session) { return list_live_keks(session, KekId(""), 10); });
    ASSERT_TRUE(keks);
    EXPECT_EQ(keks->size(), 1u);
}

TEST_F(BackupTest, InspectionOfAnEmptyOrAnOlderDatabaseSaysWhatToDo) {
    ASSERT_EQ(inspect(*empty_)->problems.size(), 1u);
    source_.run("UPDATE alembic_version SET version_num = '39cf2e645cba'");
    const auto found = inspect(*database_);
    ASSERT_EQ(found->problems.size(), 1u);
    EXPECT_NE(found->problems[0].find("39cf2e645cba"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::db
