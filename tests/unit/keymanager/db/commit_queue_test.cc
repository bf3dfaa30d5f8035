#include "keymanager/db/commit_queue.h"

#include <functional>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "keymanager/db/repository.h"
#include "keymanager/db/sqlite.h"
#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

constexpr Query Begin{"BEGIN IMMEDIATE"};

using Works = std::vector<CommitQueue::Work>;

CommitQueue::Work put(const std::string& name) {
    return [name](Session& session) { return put_canary(session, name, "bird", Now); };
}

/// A queue over a database of its own.
class CommitQueueTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(file_.open()->create_schema());
        session_ = *open_sqlite_session(file_.path());
        queue_ = std::make_unique<CommitQueue>(*session_, Begin);
    }

    /// Runs `works` in one group, in this order; their outcomes. A writer before them holds the lead until all are
    /// queued.
    std::vector<Result<void>> run_as_group(const Works& works) {
        std::vector<Result<void>> outcomes(works.size());
        std::vector<std::thread> threads;
        const auto led = queue_->run([&](Session&) -> Result<void> {
            for (std::size_t i = 0; i < works.size(); ++i) {
                threads.emplace_back([&, i] { outcomes[i] = queue_->run(works[i]); });
                while (queue_->size() < i + 2) std::this_thread::yield();
            }
            return {};
        });
        EXPECT_TRUE(led);
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(queue_->size(), 0u);
        return outcomes;
    }
    std::vector<std::string> stored() const { return file_.run("SELECT store_name FROM sp_canaries ORDER BY 1"); }

    const SqliteFile file_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<CommitQueue> queue_;
};

using Names = std::vector<std::string>;

TEST_F(CommitQueueTest, WritersOfAGroupSucceedAndFailEachForItself) {
    const auto outcomes = run_as_group({put("one"),
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
    EXPECT_EQ(stored(), (Names{"four", "one"}));
}

TEST_F(CommitQueueTest, AFailedCommitFailsEveryMemberAndLeavesNothing) {
    // A reference that is checked only at the commit, so that every member's own work succeeds.
    file_.run("CREATE TABLE late (secret VARCHAR(36) REFERENCES secrets (id) DEFERRABLE INITIALLY DEFERRED)");
    const auto outcomes = run_as_group({put("one"),
                                        [](Session& session) -> Result<void> {
                                            constexpr Query Dangle{"INSERT INTO late (secret) VALUES ('nobody')"};
                                            TRY(session.execute(Dangle, {}));
                                            return {};
                                        },
                                        put("three")});
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome.error().code, Code::Conflict);
    EXPECT_EQ(stored(), Names{});
    // The queue goes on.
    EXPECT_TRUE(queue_->run(put("later")));
}

/// A call that shares its thread with one other, which it lets go first when it yields.
class SharedTurn final : public SharedCall {
public:
    explicit SharedTurn(std::function<void()> other) : other_(std::move(other)) { set_current(this); }
    ~SharedTurn() { set_current(nullptr); }
    void park() override { parked_.acquire(); }
    void unpark() override { parked_.release(); }
    void yield() override {
        std::exchange(other_, [] {})();
    }

private:
    std::counting_semaphore<> parked_{0};
    std::function<void()> other_;
};

TEST_F(CommitQueueTest, AWriterThatSharesItsThreadLetsOthersJoinBeforeItLeads) {
    std::thread other;
    Result<void> others;
    {
        SharedTurn turn([&] {
            other = std::thread([&] { others = queue_->run(put("other")); });
            while (queue_->size() < 2) std::this_thread::yield();
        });
        EXPECT_TRUE(queue_->run([&](Session& session) -> Result<void> {
            EXPECT_EQ(queue_->size(), 2u);
            return put("mine")(session);
        }));
    }
    // Led by the first, so it needed no turn of its own.
    other.join();
    EXPECT_TRUE(others);
    EXPECT_EQ(stored(), (Names{"mine", "other"}));
}

TEST_F(CommitQueueTest, AWriterThatSharesItsThreadParksWhileAnotherLeads) {
    std::thread sharing;
    Result<void> shared;
    EXPECT_TRUE(queue_->run([&](Session& session) -> Result<void> {
        sharing = std::thread([&] {
            const SharedTurn turn([] {});
            shared = queue_->run(put("shared"));
        });
        while (queue_->size() < 2) std::this_thread::yield();
        return put("leader")(session);
    }));
    sharing.join();
    EXPECT_TRUE(shared);
    EXPECT_EQ(stored(), (Names{"leader", "shared"}));
}

TEST_F(CommitQueueTest, OneWriterAloneRollsBackWhatFailed) {
    EXPECT_FALSE(queue_->run([](Session& session) -> Result<void> {
        TRY(put_canary(session, "one", "bird", Now));
        return Error{Code::Forbidden, "no", {}};
    }));
    EXPECT_TRUE(queue_->run(put("two")));
    EXPECT_EQ(stored(), Names{"two"});
}

TEST_F(CommitQueueTest, AWriterThatIgnoresAnErrorDoesNotWriteOutsideOfTheTransaction) {
    file_.run(
        "CREATE TRIGGER drop_all BEFORE INSERT ON sp_canaries WHEN NEW.store_name = 'poison'"
        " BEGIN SELECT RAISE(ROLLBACK, 'gone'); END");
    const auto written = queue_->run([](Session& session) -> Result<void> {
        TRY(put_canary(session, "before", "bird", Now));
        static_cast<void>(put_canary(session, "poison", "bird", Now));
        static_cast<void>(put_canary(session, "after", "bird", Now));
        return {};
    });
    EXPECT_FALSE(written);
    EXPECT_EQ(stored(), Names{});
    EXPECT_TRUE(queue_->run(put("later")));
}

TEST_F(CommitQueueTest, WhenTheDatabaseDropsTheTransactionEveryMemberFails) {
    file_.run(
        "CREATE TRIGGER drop_all BEFORE INSERT ON sp_canaries WHEN NEW.store_name = 'poison'"
        " BEGIN SELECT RAISE(ROLLBACK, 'gone'); END");
    const auto outcomes = run_as_group({put("one"), put("poison"), put("three")});
    for (const auto& outcome : outcomes) EXPECT_FALSE(outcome);
    EXPECT_EQ(stored(), Names{});
}

}  // namespace
}  // namespace sallyport::db
