#include "keymanager/db/commit_queue.h"

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "keymanager/db/repository.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

/// Lets one writer hold the lead until `others` more are queued behind it, so that those share the next commit.
class Group {
public:
    explicit Group(Database& database) : database_(database) {}

    /// Runs `works` in one group; their outcomes in the same order.
    std::vector<Result<void>> run(const std::vector<std::function<Result<void>(Session&)>>& works) {
        std::vector<Result<void>> outcomes(works.size());
        std::vector<std::thread> threads;
        std::latch started(static_cast<std::ptrdiff_t>(works.size()));
        const auto led = database_.write([&](Session&) -> Result<void> {
            for (std::size_t i = 0; i < works.size(); ++i) {
                threads.emplace_back([&, i] {
                    started.count_down();
                    outcomes[i] = database_.write(works[i]);
                });
            }
            started.wait();
            // All are about to queue; there is no telling when the last one has, so give them time by writing nothing.
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return {};
        });
        EXPECT_TRUE(led);
        for (auto& thread : threads) thread.join();
        return outcomes;
    }

private:
    Database& database_;
};

auto put(const std::string& name) {
    return [name](Session& session) { return put_canary(session, name, "bird", Now); };
}

TEST(CommitQueue, WritersOfAGroupSucceedAndFailEachForItself) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    const auto outcomes =
        Group(*database).run({put("one"),
                              [](Session& session) -> Result<void> {
                                  TRY(put_canary(session, "two", "bird", Now));
                                  return Error{Code::Forbidden, "no", {}};
                              },
                              [](Session& session) -> Result<void> {
                                  TRY(put_canary(session, "three", "bird", Now));
                                  constexpr Query Twice{"INSERT INTO sp_canaries SELECT * FROM sp_canaries"};
                                  TRY(session.execute(Twice, {}));
                                  return {};
                              },
                              put("four")});
    EXPECT_TRUE(outcomes[0]);
    EXPECT_EQ(outcomes[1].error().code, Code::Forbidden);
    EXPECT_EQ(outcomes[2].error().code, Code::Conflict);
    EXPECT_TRUE(outcomes[3]);
    EXPECT_EQ(file.run("SELECT store_name FROM sp_canaries ORDER BY 1"), (std::vector<std::string>{"four", "one"}));
}

TEST(CommitQueue, AFailedCommitFailsEveryMemberAndLeavesNothing) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    // A reference that is checked only at the commit, so that every member's own work succeeds.
    file.run("CREATE TABLE late (secret VARCHAR(36) REFERENCES secrets (id) DEFERRABLE INITIALLY DEFERRED)");
    const auto outcomes =
        Group(*database).run({put("one"),
                              [](Session& session) -> Result<void> {
                                  constexpr Query Dangle{"INSERT INTO late (secret) VALUES ('nobody')"};
                                  TRY(session.execute(Dangle, {}));
                                  return {};
                              },
                              put("three")});
    // All three were in one group, or the first of them was a group of its own: whoever was told so is there.
    EXPECT_FALSE(outcomes[1]);
    const auto names = file.run("SELECT store_name FROM sp_canaries");
    EXPECT_EQ(names.size(), static_cast<std::size_t>(outcomes[0].has_value() + outcomes[2].has_value()));
    EXPECT_FALSE(outcomes[0] && outcomes[2]);
    // The queue goes on.
    EXPECT_TRUE(database->write(put("later")));
}

TEST(CommitQueue, OneWriterAloneRollsBackWhatFailed) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    EXPECT_FALSE(database->write([](Session& session) -> Result<void> {
        TRY(put_canary(session, "one", "bird", Now));
        return Error{Code::Forbidden, "no", {}};
    }));
    EXPECT_TRUE(database->write(put("two")));
    EXPECT_EQ(file.run("SELECT store_name FROM sp_canaries"), (std::vector<std::string>{"two"}));
}

TEST(CommitQueue, AWriterThatIgnoresAnErrorDoesNotWriteOutsideOfTheTransaction) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    file.run(
        "CREATE TRIGGER drop_all BEFORE INSERT ON sp_canaries WHEN NEW.store_name = 'poison'"
        " BEGIN SELECT RAISE(ROLLBACK, 'gone'); END");
    const auto written = database->write([](Session& session) -> Result<void> {
        TRY(put_canary(session, "before", "bird", Now));
        static_cast<void>(put_canary(session, "poison", "bird", Now));
        static_cast<void>(put_canary(session, "after", "bird", Now));
        return {};
    });
    EXPECT_FALSE(written);
    EXPECT_TRUE(file.run("SELECT store_name FROM sp_canaries").empty());
    EXPECT_TRUE(database->write(put("later")));
}

TEST(CommitQueue, WhenTheDatabaseDropsTheTransactionEveryMemberFails) {
    const SqliteFile file;
    const auto database = file.open();
    ASSERT_TRUE(database->create_schema());
    file.run(
        "CREATE TRIGGER drop_all BEFORE INSERT ON sp_canaries WHEN NEW.store_name = 'poison'"
        " BEGIN SELECT RAISE(ROLLBACK, 'gone'); END");
    const auto outcomes = Group(*database).run({put("one"), put("poison"), put("three")});
    EXPECT_FALSE(outcomes[1]);
    const auto names = file.run("SELECT store_name FROM sp_canaries");
    EXPECT_EQ(names.size(), static_cast<std::size_t>(outcomes[0].has_value() + outcomes[2].has_value()));
    EXPECT_FALSE(outcomes[0] && outcomes[2]);
}

}  // namespace
}  // namespace sallyport::db
