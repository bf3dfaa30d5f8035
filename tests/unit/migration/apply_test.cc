#include "migration/apply.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "migration/facts.h"
#include "tests/unit/migration/file_vault.h"
#include "tests/unit/migration/struck_calls.h"

namespace sallyport::migration {
namespace {

// The columns of Cinder's that are looked at.
constexpr const char* Schema = R"(
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
INSERT INTO alembic_version VALUES ('c92a3e68beed');
CREATE TABLE volumes (id VARCHAR(36) PRIMARY KEY, deleted BOOLEAN, updated_at DATETIME, user_id VARCHAR(255), project_id VARCHAR(255),
  host VARCHAR(255), status VARCHAR(255), encryption_key_id VARCHAR(36), volume_type_id VARCHAR(36));
CREATE TABLE snapshots (id VARCHAR(36) PRIMARY KEY, deleted BOOLEAN, updated_at DATETIME, user_id VARCHAR(255), project_id VARCHAR(255),
  status VARCHAR(255), encryption_key_id VARCHAR(36), volume_id VARCHAR(36));
CREATE TABLE backups (id VARCHAR(36) PRIMARY KEY, deleted BOOLEAN, updated_at DATETIME, user_id VARCHAR(255), project_id VARCHAR(255),
  host VARCHAR(255), status VARCHAR(255), encryption_key_id VARCHAR(36), volume_id VARCHAR(36));
CREATE TABLE encryption (volume_type_id VARCHAR(36), provider VARCHAR(255), deleted BOOLEAN);
INSERT INTO encryption VALUES ('type', 'luks', 0);
CREATE TABLE services ("binary" VARCHAR(255), host VARCHAR(255), disabled BOOLEAN, deleted BOOLEAN);
CREATE TABLE volume_glance_metadata (volume_id VARCHAR(36), snapshot_id VARCHAR(36), "key" VARCHAR(255), value TEXT, deleted BOOLEAN);
)";

constexpr const char* RealKey = "2b7c2a54-9d3e-4a5f-8a57-0f7c0b9a6c11";

/// A Cinder database, a folder of keys and a journal, on a file system in memory: what counts is the order of the
/// calls.
class Lab {
public:
    Lab() {
        std::string name =
            std::filesystem::exists("/dev/shm") ? "/dev/shm/sallyport-apply-XXXXXX" : "/tmp/sallyport-apply-XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::filesystem::create_directory(folder_ / "keys");
        std::ofstream(folder_ / "cinder.sqlite").flush();
        static_cast<void>(cinder());  // configures SQLite's library before it is used here
        run(Schema);
    }
    ~Lab() { std::filesystem::remove_all(folder_); }
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    void run(const std::string& sql) {
        sqlite3* file = nullptr;
        ASSERT_EQ(sqlite3_open((folder_ / "cinder.sqlite").c_str(), &file), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(file, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(file);
        sqlite3_close(file);
    }

    void volume(const std::string& id, std::string_view key = ZeroKeyId) {
        run("INSERT INTO volumes VALUES ('" + id + "', 0, NULL, 'user', 'project', 'node1@lvm#p', 'available', '" +
            std::string(key) + "', 'type')");
    }
    void snapshot(const std::string& id, const std::string& volume, std::string_view key = ZeroKeyId,
                  const std::string& user = "user") {
        run("INSERT INTO snapshots VALUES ('" + id + "', 0, NULL, '" + user + "', 'project', 'available', '" +
            std::string(key) + "', '" + volume + "')");
    }
    void backup(const std::string& id, const std::string& volume) {
        run("INSERT INTO backups VALUES ('" + id + "', 0, NULL, 'user', 'project', 'bk1', 'available', '" +
            std::string(ZeroKeyId) + "', '" + volume + "')");
    }

    std::unique_ptr<db::Database> cinder() const {
        db::DatabaseConfig config;
        config.url = "sqlite:///" + (folder_ / "cinder.sqlite").string();
        config.foreign = true;
        return std::move(db::make_database(config)).value();
    }
    std::filesystem::path keys() const { return folder_ / "keys"; }
    std::string journal() const { return folder_ / "journal"; }

    static SecureBytes key(std::byte fill = std::byte{0x5a}) {
        SecureBytes bytes = std::move(SecureBytes::of_size(32)).value();
        std::ranges::fill(bytes.writable(), fill);
        return bytes;
    }

    Result<ApplyReport> apply(FileVault& vault, ApplyOptions options = {}) {
        const auto database = cinder();
        const SecureBytes fixed = key();
        const Catalog catalog = TRY(read_catalog(*database));
        const PlanFacts facts = TRY(gather_facts(catalog, {&vault, nullptr, nullptr, 2}));
        const Plan plan = make_plan(catalog, facts);
        const auto written = TRY(Journal::open(journal()));
        options.sleep = [](std::chrono::milliseconds) {};
        return migration::apply(plan, fixed, {*database, vault, *written, nullptr, system_clock()}, options);
    }
    Result<ApplyReport> apply(const ApplyOptions& options = {}) {
        FileVault vault(keys());
        return apply(vault, options);
    }

    /// What must hold whatever has happened: no zero id is left, every id opens, snapshots have their volume's, and
    /// there is no key that nothing refers to.
    void expect_all_well(const std::string& when) {
        const auto database = cinder();
        const Catalog catalog = std::move(read_catalog(*database)).value();
        FileVault vault(keys());
        const SecureBytes fixed = key();
        std::set<std::string> used;
        std::map<std::string, std::string> of_volume;
        for (const auto* rows : {&catalog.volumes, &catalog.snapshots, &catalog.backups}) {
            for (const CinderRow& row : *rows) {
                EXPECT_FALSE(row.has_zero_key()) << when << ": " << row.id;
                const KeyUse use{SecretId(*row.key_id), owner_of(row)};
                EXPECT_TRUE(vault.confirm(fixed, std::span(&use, 1)).value().front()) << when << ": " << row.id;
                used.insert(*row.key_id);
                if (row.kind == Kind::Volume) of_volume[row.id] = *row.key_id;
                if (row.kind == Kind::Snapshot) {
                    EXPECT_EQ(*row.key_id, of_volume[*row.volume]) << when << ": " << row.id;
                }
            }
        }
        const auto stored = std::move(vault.stored()).value();
        EXPECT_EQ(stored.size(), used.size()) << when << ": keys that nothing refers to";
    }

private:
    std::filesystem::path folder_;
};

void fill(Lab& lab) {
    for (const char* id : {"v1", "v2", "v3"}) lab.volume(id);
    lab.snapshot("s1", "v1");
    lab.snapshot("s2", "v1");
    lab.snapshot("s3", "v2");
    lab.backup("b1", "v1");
    lab.backup("b2", "v3");
}

TEST(Apply, GivesEveryRowAnIdWhoseKeyIsTheFixedKey) {
    Lab lab;
    fill(lab);
    const auto report = lab.apply();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->migrated, 5);
    EXPECT_EQ(report->snapshots, 3);
    lab.expect_all_well("after one run");
    EXPECT_EQ(lab.apply()->total, 0) << "nothing is left";
}

TEST(Apply, LetsThoseInWhoseSnapshotsReadTheKey) {
    Lab lab;
    lab.volume("v1");
    lab.snapshot("s1", "v1", ZeroKeyId, "somebody else");
    FileVault vault(lab.keys());
    ASSERT_TRUE(lab.apply(vault));
    ASSERT_EQ(vault.granted.size(), 1u);
    ASSERT_EQ(vault.granted.begin()->second.size(), 1u);
    EXPECT_EQ(vault.granted.begin()->second.front().user.str(), "somebody else");
}

TEST(Apply, StoresNothingTwiceWhenAnAnswerIsLost) {
    Lab lab;
    fill(lab);
    FileVault vault(lab.keys());
    vault.fails_after = Error{Code::Unavailable, "the connection is gone", {}};
    vault.store_failures = 2;
    const auto report = lab.apply(vault, {.jobs = 1, .batch = 2});
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->failed.empty());
    lab.expect_all_well("after two lost answers");
}

TEST(Apply, TriesAgainWhileTheKeyManagerIsAway) {
    Lab lab;
    fill(lab);
    FileVault vault(lab.keys());
    vault.fails_before = Error{Code::Overloaded, "later", {}};
    vault.store_failures = 3;
    const auto report = lab.apply(vault, {.jobs = 1});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->migrated, 5);
}

TEST(Apply, StopsAtOnceWhenItIsForbidden) {
    Lab lab;
    fill(lab);
    FileVault vault(lab.keys());
    vault.fails_before = Error{Code::Forbidden, "role creator is missing", {}};
    vault.store_failures = 100;
    const auto report = lab.apply(vault, {.jobs = 1, .batch = 1});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::Forbidden);
    EXPECT_EQ(vault.store_failures, 99) << "one row was tried, not all";
}

TEST(Apply, ReportsARowThatFailsAndGoesOnWithTheRest) {
    Lab lab;
    fill(lab);
    FileVault vault(lab.keys());
    vault.fails_before = Error{Code::OverQuota, "the project has as many as it may", {}};
    vault.store_failures = 1;
    const auto report = lab.apply(vault, {.jobs = 1, .batch = 1});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->failed.size(), 1u);
    EXPECT_EQ(report->migrated, 4);
    ASSERT_TRUE(lab.apply());
    lab.expect_all_well("after the next run");
}

TEST(Apply, OneBadRowOfABatchDoesNotStopTheRowsBesideIt) {
    Lab lab;
    fill(lab);
    // The database refuses one row, as a trigger or a constraint of somebody's would.
    lab.run("CREATE TRIGGER no BEFORE UPDATE ON volumes WHEN NEW.id = 'v2' BEGIN SELECT RAISE(ABORT, 'no'); END");
    const auto report = lab.apply({.jobs = 1});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->failed.size(), 1u);
    EXPECT_TRUE(report->failed.contains("volume v2"));
    EXPECT_EQ(report->migrated, 4);
    lab.run("DROP TRIGGER no");
    EXPECT_EQ(lab.apply()->adopted, 1) << "its key was stored by then";
    lab.expect_all_well("after the next run");
}

TEST(Apply, RepairsSnapshotsOnlyIfTheirVolumesKeyIsTheFixedKey) {
    Lab lab;
    FileVault vault(lab.keys());
    const NewKey same{"the volume's", {}}, other{"rekeyed since", {}};
    const auto good = std::move(vault.store(Lab::key(), std::span(&same, 1))).value().front();
    const auto bad = std::move(vault.store(Lab::key(std::byte{1}), std::span(&other, 1))).value().front();
    lab.volume("v1", good.str());
    lab.snapshot("s1", "v1");
    lab.volume("v2", bad.str());
    lab.snapshot("s2", "v2");
    const auto report = lab.apply(vault);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->repaired, 1);
    EXPECT_EQ(report->migrated, 1) << "s2 has a key of its own";
    const auto catalog = std::move(read_catalog(*lab.cinder())).value();
    EXPECT_EQ(*catalog.snapshots[0].key_id, good.str());
    EXPECT_NE(*catalog.snapshots[1].key_id, bad.str());
}

TEST(Apply, LeavesARowAloneThatSomebodyElseHasSet) {
    Lab lab;
    lab.volume("v1");
    const auto database = lab.cinder();
    FileVault vault(lab.keys());
    const SecureBytes fixed = Lab::key();
    const Catalog catalog = std::move(read_catalog(*database)).value();
    const Plan plan = make_plan(catalog, {});
    lab.run(std::string("UPDATE volumes SET encryption_key_id = '") + RealKey + "'");  // Cinder's own migration
    const auto journal = std::move(Journal::open(lab.journal())).value();
    const auto report = apply(plan, fixed, {*database, vault, *journal, nullptr, system_clock()}, {});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->dropped, 1);
    EXPECT_TRUE(vault.stored()->empty()) << "the key that nothing needs is gone";
    EXPECT_EQ(*std::move(read_catalog(*database)).value().volumes[0].key_id, RealKey);
}

TEST(Apply, TwoAtATimeLeaveOneKeyARow) {
    Lab lab;
    fill(lab);
    const auto run_one = [&lab](const std::string& journal) {
        const auto database = lab.cinder();
        FileVault vault(lab.keys());
        const SecureBytes fixed = Lab::key();
        const Catalog catalog = std::move(read_catalog(*database)).value();
        const Plan plan = make_plan(catalog, {});
        const auto written = std::move(Journal::open(journal)).value();
        EXPECT_TRUE(apply(plan, fixed, {*database, vault, *written, nullptr, system_clock()}, {.jobs = 2, .batch = 1}));
    };
    {
        std::jthread first([&] { run_one(lab.journal() + ".1"); });
        std::jthread second([&] { run_one(lab.journal() + ".2"); });
    }
    ASSERT_TRUE(lab.apply());
    lab.expect_all_well("after two runs at a time");
}

/// Runs an apply in a process of its own that dies at the n-th call; true if it did.
bool dies_at(Lab& lab, long call, const ApplyOptions& options) {
    const pid_t child = ::fork();
    if (child == 0) {
        strike_at(call);
        const bool well = lab.apply(options).has_value();
        ::_exit(well ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return true;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "call " << call;
    return false;
}

class KilledApply : public ::testing::TestWithParam<std::size_t> {};

// One process a call, and the next run has to end well. 100 to 300 calls, for each size of batches; once killed, and
// once killed again in the run after that.
TEST_P(KilledApply, GoesOnWherever) {
    const auto fill_more = [](Lab& lab) {
        fill(lab);
        for (const char* id : {"v4", "v5", "v6", "v7", "v8", "v9"}) lab.volume(id);
        lab.snapshot("s4", "v7");
    };
    const ApplyOptions options{.jobs = 1, .batch = GetParam()};
    long kills = 0;
    for (long call = 1;; ++call) {
        Lab lab;
        fill_more(lab);
        if (!dies_at(lab, call, options)) break;
        ++kills;
        // The second death comes at another place each time.
        if (dies_at(lab, 1 + (call * 7) % 90, options)) ++kills;
        const auto report = lab.apply(options);
        ASSERT_TRUE(report) << "after call " << call << ": " << report.error().message;
        EXPECT_TRUE(report->failed.empty());
        lab.expect_all_well("killed at call " + std::to_string(call));
        if (HasFailure()) return;
    }
    EXPECT_GT(kills, 150) << "fewer places than an apply of eleven rows has";
    std::printf("batches of %zu: %ld kills\n", GetParam(), kills);
    RecordProperty("kills", static_cast<int>(kills));
}

INSTANTIATE_TEST_SUITE_P(Batches, KilledApply, ::testing::Values(1, 2, 3, 5));

}  // namespace
}  // namespace sallyport::migration
