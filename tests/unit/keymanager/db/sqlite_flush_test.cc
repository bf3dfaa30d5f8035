#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <string_view>

#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace {
std::atomic<int> log_flushes = 0;
std::atomic<bool> disk_is_broken = false;

bool is_log(int file) {
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path.data(), path.size());
    return length > 0 && std::string_view(path.data(), static_cast<std::size_t>(length)).ends_with("-wal");
}
}  // namespace

/// Stands before the C library's for the whole test program: counts, and fails when it is told to.
extern "C" int fdatasync(int file) {
    if (!is_log(file)) return static_cast<int>(::syscall(SYS_fdatasync, file));
    if (disk_is_broken) {
        errno = EIO;
        return -1;
    }
    ++log_flushes;
    return static_cast<int>(::syscall(SYS_fdatasync, file));
}

namespace sallyport::db {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

Result<void> put(Database& database, const std::string& name) {
    return database.write([&name](Session& session) { return put_canary(session, name, "bird", Now); });
}

TEST(SqliteFlush, NobodyIsToldThatHeWroteBeforeTheLogIsOnTheDisk) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    for (const char* name : {"one", "two", "three"}) {
        const int before = log_flushes;
        ASSERT_TRUE(put(*database, name));
        EXPECT_GT(log_flushes, before) << name;
    }
}

TEST(SqliteFlush, WhatDidNotReachTheDiskIsNoSuccessAndNothingIsWrittenAfterIt) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    disk_is_broken = true;
    const auto lost = put(*database, "lost");
    disk_is_broken = false;
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Code::Unavailable);
    EXPECT_EQ(put(*database, "later").error().code, Code::Unavailable);
    EXPECT_EQ(file.run("SELECT COUNT(*) FROM sp_canaries WHERE store_name = 'later'"), std::vector<std::string>{"0"});
    // Whoever opens the database anew finds it sound.
    EXPECT_TRUE(put(*file.open(), "after a restart"));
}

}  // namespace
}  // namespace sallyport::db
