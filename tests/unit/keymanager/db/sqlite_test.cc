#include "keymanager/db/sqlite.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

mode_t mode_of(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

Result<void> put(Database& database, const std::string& name, const std::string& value = "bird") {
    return database.write([&](Session& session) { return put_canary(session, name, value, Now); });
}

TEST(Sqlite, FilesAreForTheirOwnerOnly) {
    const SqliteFile file;
    const mode_t before = ::umask(0);
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    ::umask(before);
    EXPECT_EQ(mode_of(file.path()), 0600u);
    EXPECT_EQ(mode_of(file.path().string() + "-wal"), 0600u);
    EXPECT_EQ(mode_of(file.path().string() + "-shm"), 0600u);
}

TEST(Sqlite, WritesAheadAndTrustsNobody) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    EXPECT_EQ(file.run("PRAGMA journal_mode"), (std::vector<std::string>{"wal"}));
    const auto setting = [&](const char* pragma) {
        long value = -1;
        EXPECT_TRUE(database->write([&](Session& session) -> Result<void> {
            return session.select_once(pragma, 1, {}, [&value](Columns& row) -> Result<void> {
                value = row.integer();
                return {};
            });
        }));
        return value;
    };
    EXPECT_EQ(setting("PRAGMA foreign_keys"), 1);
    EXPECT_GE(setting("PRAGMA busy_timeout"), 1000);
    EXPECT_EQ(setting("PRAGMA trusted_schema"), 0);
}

TEST(Sqlite, TheMarkChangesWithEveryCommitOfAnybodyAndWithNothingElse) {
    const SqliteFile file;
    int start[2];
    ASSERT_EQ(::pipe(start), 0);
    // Forked before anything is open, since SQLite's connections do not survive that.
    const pid_t other = ::fork();
    if (other == 0) {
        char go = 0;
        const bool started = ::read(start[0], &go, 1) == 1;
        ::_exit(started && put(*file.open(), "store", "another process's") ? 0 : 1);
    }
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    const auto first = database->commit_mark();
    ASSERT_TRUE(first);
    ASSERT_TRUE(database->read([](Session& session) { return find_canary(session, "store"); }));
    EXPECT_EQ(database->commit_mark(), first);

    ASSERT_TRUE(put(*database, "store"));
    const auto second = database->commit_mark();
    EXPECT_NE(second, first);

    ASSERT_EQ(::write(start[1], "g", 1), 1);
    int status = -1;
    ASSERT_EQ(::waitpid(other, &status, 0), other);
    ASSERT_EQ(status, 0);
    ::close(start[0]);
    ::close(start[1]);
    const auto third = database->commit_mark();
    EXPECT_NE(third, second);

    file.run("PRAGMA wal_checkpoint(TRUNCATE)");
    ASSERT_TRUE(put(*database, "store", "after the log began anew"));
    EXPECT_NE(database->commit_mark(), third);
}

TEST(Sqlite, InMemoryHasNoMark) {
    const auto database = make_database({.url = "sqlite://", .password_file = {}, .sessions = 1});
    ASSERT_TRUE(database);
    EXPECT_FALSE((*database)->commit_mark());
}

TEST(Sqlite, AnExistingFileKeepsItsRows) {
    const SqliteFile file;
    {
        const auto database = file.open();
        ASSERT_TRUE(database->create_schema());
        ASSERT_TRUE(put(*database, "store"));
    }
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    EXPECT_EQ(*database->read([](Session& session) { return find_canary(session, "store"); }), "bird");
}

TEST(Sqlite, AFileThatIsNoDatabaseIsCorrupt) {
    const SqliteFile file;
    std::ofstream(file.path()) << std::string(8192, 'x');
    const auto opened = make_sqlite(file.path(), 1);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::Corrupt);
}

TEST(Sqlite, ARowThatSomebodyDamagedIsCorrupt) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    const SecretId id("11111111-1111-4111-8111-111111111111");
    ASSERT_TRUE(database->write([&](Session& session) -> Result<void> {
        model::Secret secret;
        secret.id = id;
        secret.project = ProjectId("p");
        TRY(ensure_project(session, secret.project, Now));
        return insert_secret(session, secret);
    }));
    const auto find = [&] { return database->read([&](Session& session) { return find_secret(session, id, Now); }); };
    ASSERT_TRUE(find());
    for (const char* damage : {"created_at = 'yesterday'", "created_at = '2026-01-01', secret_type = 'potato'",
                               "secret_type = 'opaque', status = 'UNWELL'", "status = 'ACTIVE', bit_length = 'many'"}) {
        file.run(std::string("UPDATE secrets SET ") + damage);
        const auto found = find();
        ASSERT_FALSE(found) << damage;
        EXPECT_EQ(found.error().code, Code::Corrupt) << damage;
        EXPECT_EQ(
            database->read([&](Session& session) { return find_secret_with_payload(session, id, Now); }).error().code,
            Code::Corrupt);
    }
    file.run("UPDATE secrets SET bit_length = 1");
    EXPECT_TRUE(find());
}

TEST(Sqlite, AWriteLockOfAnotherProcessIsUnavailableAfterAWhile) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(file.path().c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    const auto written = put(*database, "store");
    EXPECT_EQ(written.error().code, Code::Unavailable);
    // Readers are not in its way.
    EXPECT_TRUE(database->read([](Session& session) { return find_canary(session, "store"); }));
    sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(other);
    EXPECT_TRUE(put(*database, "store"));
}

/// What a child process found out; gtest's failures do not cross a fork.
int in_a_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

// RLIMIT_FSIZE stands for the full disk: a write past it fails with EFBIG once its signal is ignored.
TEST(Sqlite, OnAFullDiskEveryUnacknowledgedWriteLeavesNothing) {
    const SqliteFile file;
    ASSERT_TRUE(file.open()->create_schema());
    const int outcome = in_a_child([&file] {
        const auto database = file.open();
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{400000, 400000};
        if (!database || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
        std::atomic<int> acknowledged = 0, refused = 0, otherwise = 0;
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&, thread] {
                for (int i = 0; i < 20; ++i) {
                    const auto name = std::to_string(thread * 20 + i);
                    const auto written = put(*database, name, std::string(16000, 'x'));
                    if (written) {
                        ++acknowledged;
                    } else if (written.error().code == Code::Io) {
                        ++refused;
                    } else {
                        ++otherwise;
                    }
                    const auto found = database->read([&](Session& session) { return find_canary(session, name); });
                    if (!found || found->has_value() != written.has_value()) ++otherwise;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        if (otherwise > 0) return 3;
        if (acknowledged == 0) return 4;
        return refused > 0 ? 0 : 5;
    });
    EXPECT_EQ(outcome, 0);
    // What is there is whole, and the database works once there is room again.
    EXPECT_EQ(file.run("PRAGMA integrity_check"), (std::vector<std::string>{"ok"}));
    EXPECT_EQ(file.run("SELECT COUNT(*) FROM sp_canaries WHERE length(canary) <> 16000"),
              (std::vector<std::string>{"0"}));
    const auto database = file.open();
    EXPECT_TRUE(put(*database, "later"));
}

TEST(Sqlite, WhatWasAcknowledgedSurvivesAKill) {
    const SqliteFile file;
    ASSERT_TRUE(file.open()->create_schema());
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto database = file.open();
        for (int i = 0;; ++i) {
            if (!put(*database, std::to_string(i)) || ::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
        }
    }
    ::close(pipe_ends[1]);
    int last = -1;
    while (last < 100 && ::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
    }
    ::kill(child, SIGKILL);
    int more = 0;
    while (::read(pipe_ends[0], &more, sizeof more) == sizeof more) last = more;
    ::close(pipe_ends[0]);
    ::waitpid(child, nullptr, 0);
    EXPECT_GE(last, 100);
    const auto database = file.open();
    for (int i = 0; i <= last; ++i) {
        EXPECT_EQ(*database->read([i](Session& session) { return find_canary(session, std::to_string(i)); }), "bird")
            << i;
    }
}

}  // namespace
}  // namespace sallyport::db
