#include "keymanager/db/server_database.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "keymanager/db/connection.h"

namespace sallyport::db {
namespace {

constexpr Query Begin{"BEGIN"};
constexpr Query Insert{"INSERT"};

/// A server that keeps a diary and fails where it is told to: `failures[statement]` are what the next runs of that
/// statement meet.
struct FakeServer {
    struct Failure {
        Code code;
        Fate fate;
    };
    std::map<std::string, std::vector<Failure>> failures;
    std::vector<std::string> diary;
    int connects = 0;
    bool is_away = false;

    int count(const std::string& entry) const {
        return static_cast<int>(std::count(diary.begin(), diary.end(), entry));
    }
};

class FakeConnection final : public Connection {
public:
    explicit FakeConnection(FakeServer& server) : server_(server) {}

    class FakeStatement final : public Statement {
    public:
        FakeStatement(FakeConnection& connection, std::string_view text) : connection_(connection), text_(text) {}
        Result<long> run(std::span<const Param> /*params*/, const OnRow& /*on_row*/) override {
            return connection_.run(text_);
        }

    private:
        FakeConnection& connection_;
        const std::string text_;
    };

    Result<std::unique_ptr<Statement>> prepare(std::string_view text) override {
        std::unique_ptr<Statement> parsed = std::make_unique<FakeStatement>(*this, text);
        return parsed;
    }
    Result<void> run_script(const std::string& text) override {
        TRY(run(text));
        return {};
    }
    Result<bool> has_table(std::string_view /*name*/) override { return true; }
    Fate fate() const override { return fate_; }

private:
    Result<long> run(const std::string& text) {
        server_.diary.push_back(text);
        auto& failures = server_.failures[text];
        if (failures.empty()) return 1L;
        const auto failure = failures.front();
        failures.erase(failures.begin());
        fate_ = failure.fate;
        return Error{failure.code, "no", {}};
    }

    FakeServer& server_;
    Fate fate_ = Fate::Open;
};

class ServerDatabaseTest : public testing::Test {
protected:
    Result<void> insert() {
        return database_->write([](Session& session) -> Result<void> {
            TRY(session.execute(Insert, {}));
            return {};
        });
    }
    void fail(const std::string& statement, Code code, Fate fate, int times = 1) {
        for (int i = 0; i < times; ++i) server_.failures[statement].push_back({code, fate});
    }

    FakeServer server_;
    const std::unique_ptr<Database> database_ =
        make_server_database({[this](Purpose) -> Result<std::unique_ptr<Session>> {
                                  ++server_.connects;
                                  if (server_.is_away) return Error{Code::Unavailable, "away", {}};
                                  return std::make_unique<Session>(std::make_unique<FakeConnection>(server_));
                              },
                              Begin, Begin, SchemaDialect::PostgreSql},
                             2);
};

TEST_F(ServerDatabaseTest, AWriteIsCommitted) {
    EXPECT_TRUE(insert());
    EXPECT_EQ(server_.diary, (std::vector<std::string>{"BEGIN", "INSERT", "COMMIT"}));
}

TEST_F(ServerDatabaseTest, ADeadlockRunsTheWorkAgain) {
    fail("INSERT", Code::Unavailable, Fate::RolledBack, 2);
    EXPECT_TRUE(insert());
    EXPECT_EQ(server_.count("INSERT"), 3);
    EXPECT_EQ(server_.count("ROLLBACK"), 2);
    EXPECT_EQ(server_.count("COMMIT"), 1);
}

TEST_F(ServerDatabaseTest, AConflictOfCertificationAtCommitRunsTheWorkAgain) {
    fail("COMMIT", Code::Unavailable, Fate::RolledBack);
    EXPECT_TRUE(insert());
    EXPECT_EQ(server_.count("INSERT"), 2);
}

TEST_F(ServerDatabaseTest, ADeadlockThatNeverEndsIsUnavailable) {
    fail("INSERT", Code::Unavailable, Fate::RolledBack, 1000);
    const auto outcome = insert();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::Unavailable);
    EXPECT_LT(server_.count("INSERT"), 20);
    EXPECT_EQ(server_.count("COMMIT"), 0);
}

TEST_F(ServerDatabaseTest, AConnectionLostBeforeCommitIsMadeAnew) {
    ASSERT_TRUE(insert());
    fail("BEGIN", Code::Unavailable, Fate::Lost);
    fail("INSERT", Code::Unavailable, Fate::Lost);
    EXPECT_TRUE(insert());
    EXPECT_EQ(server_.connects, 3);
    EXPECT_EQ(server_.count("COMMIT"), 2);
}

TEST_F(ServerDatabaseTest, AConnectionLostDuringCommitIsNeverASuccessAndNotDoneTwice) {
    fail("COMMIT", Code::Unavailable, Fate::Lost);
    const auto outcome = insert();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::Unavailable);
    EXPECT_EQ(server_.count("INSERT"), 1);
    // The next one has a new connection.
    EXPECT_TRUE(insert());
    EXPECT_EQ(server_.connects, 2);
}

TEST_F(ServerDatabaseTest, ALostReadIsDoneAgainWhereverItWasLost) {
    for (const char* statement : {"BEGIN", "INSERT", "COMMIT"}) {
        fail(statement, Code::Unavailable, Fate::Lost);
        EXPECT_TRUE(database_->read([](Session& session) -> Result<void> {
            TRY(session.execute(Insert, {}));
            return {};
        })) << statement;
    }
}

TEST_F(ServerDatabaseTest, WhatAConstraintRefusesTwiceIsRefused) {
    fail("INSERT", Code::Conflict, Fate::Ended);
    EXPECT_TRUE(insert());
    fail("INSERT", Code::Conflict, Fate::Ended, 10);
    const auto outcome = insert();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::Conflict);
    EXPECT_LE(server_.count("INSERT"), 6);
}

TEST_F(ServerDatabaseTest, AConflictThatTheWorkFoundItselfIsNotTriedAgain) {
    int runs = 0;
    const auto outcome = database_->write([&runs](Session&) -> Result<void> {
        ++runs;
        return Error{Code::Conflict, "it has one already", {}};
    });
    EXPECT_EQ(outcome.error().code, Code::Conflict);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(server_.count("ROLLBACK"), 1);
}

TEST_F(ServerDatabaseTest, WorkThatIgnoresAFailedStatementIsNotCommitted) {
    fail("INSERT", Code::InvalidInput, Fate::Ended);
    const auto outcome = database_->write([](Session& session) -> Result<void> {
        static_cast<void>(session.execute(Insert, {}));
        return {};
    });
    EXPECT_EQ(outcome.error().code, Code::InvalidInput);
    EXPECT_EQ(server_.count("COMMIT"), 0);
}

TEST_F(ServerDatabaseTest, AServerThatIsAwayIsNotAskedByEverybody) {
    server_.is_away = true;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(insert().error().code, Code::Unavailable);
    EXPECT_LT(server_.connects, 5);
}

}  // namespace
}  // namespace sallyport::db
