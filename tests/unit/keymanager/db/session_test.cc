#include "keymanager/db/session.h"

#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

/// A session of a database with one table.
class SessionTest : public testing::Test {
protected:
    void SetUp() override {
        file_.run(
            "CREATE TABLE t (a TEXT, n INTEGER, at DATETIME, b BOOLEAN); INSERT INTO t VALUES ('x', 1, 'bad', 1)");
        database_ = file_.open();
    }
    template <class F>
    auto with_session(F&& work) {
        return database_->write(std::forward<F>(work));
    }
    const SqliteFile file_;
    std::unique_ptr<Database> database_;
};

TEST_F(SessionTest, TextThatLooksLikeSqlIsAValue) {
    const std::string evil = "'; DROP TABLE t; --";
    const auto outcome = with_session([&evil](Session& session) -> Result<void> {
        constexpr Query Insert{"INSERT INTO t (a, n) VALUES (:a, :n)"};
        EXPECT_EQ(TRY(session.execute(Insert, {evil, 7})), 1);
        constexpr Query Find{"SELECT a, n FROM t WHERE a = :a", 2};
        return session.select(Find, {evil}, [&evil](Columns& row) -> Result<void> {
            EXPECT_EQ(row.text(), evil);
            EXPECT_EQ(row.integer(), 7);
            return row.finish();
        });
    });
    EXPECT_TRUE(outcome);
    EXPECT_EQ(file_.run("SELECT COUNT(*) FROM t"), (std::vector<std::string>{"2"}));
}

TEST_F(SessionTest, AColumnThatMakesNoSenseIsCorrupt) {
    const auto take = [this](auto&& taker) {
        return with_session([&taker](Session& session) -> Result<void> {
            constexpr Query Find{"SELECT a, at, b, NULL FROM t", 4};
            return session.select(Find, {}, [&taker](Columns& row) -> Result<void> {
                taker(row);
                return row.finish();
            });
        });
    };
    EXPECT_TRUE(take([](Columns& row) { row.text(); }));
    EXPECT_EQ(take([](Columns& row) { row.integer(); }).error().code, Code::Corrupt);
    EXPECT_EQ(take([](Columns& row) { row.flag(); }).error().code, Code::Corrupt);
    EXPECT_EQ(take([](Columns& row) { row.skip(1), row.time(); }).error().code, Code::Corrupt);
    EXPECT_EQ(take([](Columns& row) { row.skip(1), row.optional_time(); }).error().code, Code::Corrupt);
    EXPECT_TRUE(take([](Columns& row) { row.skip(2), row.flag(); }));
    EXPECT_EQ(take([](Columns& row) { row.skip(3), row.text(); }).error().code, Code::Corrupt);
    EXPECT_EQ(take([](Columns& row) { row.skip(3), row.time(); }).error().code, Code::Corrupt);
    EXPECT_TRUE(take([](Columns& row) { row.skip(3), row.optional_text(); }));
}

TEST_F(SessionTest, AStatementThatFailedCanBeRunAgain) {
    const auto outcome = with_session([](Session& session) -> Result<void> {
        TRY(session.run_script("CREATE UNIQUE INDEX once ON t (a)"));
        constexpr Query Insert{"INSERT INTO t (a) VALUES (:a)"};
        const auto twice = session.execute(Insert, {"x"});
        EXPECT_EQ(twice.error().code, Code::Conflict);
        EXPECT_TRUE(session.execute(Insert, {"y"}));
        return {};
    });
    EXPECT_TRUE(outcome);
}

TEST_F(SessionTest, ARowThatIsRefusedEndsTheSelectWithItsError) {
    const auto outcome = with_session([](Session& session) -> Result<void> {
        constexpr Query Find{"SELECT a FROM t", 1};
        return session.select(Find, {}, [](Columns&) -> Result<void> { return Error{Code::Forbidden, "no", {}}; });
    });
    EXPECT_EQ(outcome.error().code, Code::Forbidden);
}

TEST_F(SessionTest, NonsenseIsAnInternalError) {
    const auto outcome = with_session([](Session& session) -> Result<void> {
        constexpr Query Nonsense{"SELEKT"};
        TRY(session.execute(Nonsense, {}));
        return {};
    });
    EXPECT_EQ(outcome.error().code, Code::Internal);
}

}  // namespace
}  // namespace sallyport::db
