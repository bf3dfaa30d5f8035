#include "tests/conformance/db/database_conformance.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "keymanager/db/repository.h"

namespace sallyport::db {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

Result<long> count_canaries(Database& db, int expected_up_to) {
    return db.read([expected_up_to](Session& session) -> Result<long> {
        long found = 0;
        for (int i = 0; i < expected_up_to; ++i) {
            if (TRY(find_canary(session, "store" + std::to_string(i)))) ++found;
        }
        return found;
    });
}

TEST_P(DatabaseConformance, WhatIsWrittenIsRead) {
    const auto written = db().write([](Session& session) { return put_canary(session, "store", "bird", Now); });
    ASSERT_TRUE(written) << written.error().detail;
    const auto read = db().read([](Session& session) { return find_canary(session, "store"); });
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, "bird");
}

TEST_P(DatabaseConformance, AWriteGivesBackWhatItsWorkReturns) {
    const auto project = db().write([](Session& session) { return ensure_project(session, ProjectId("p"), Now); });
    ASSERT_TRUE(project);
    EXPECT_EQ(project->str().size(), 36u);
}

TEST_P(DatabaseConformance, NothingStaysOfAFailedWrite) {
    const auto written = db().write([](Session& session) -> Result<void> {
        TRY(put_canary(session, "store", "bird", Now));
        return Error{Code::Forbidden, "no", {}};
    });
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::Forbidden);
    const auto read = db().read([](Session& session) { return find_canary(session, "store"); });
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
}

TEST_P(DatabaseConformance, AnExceptionInTheWorkIsAnErrorAndNothingStays) {
    const auto written = db().write([](Session& session) -> Result<void> {
        TRY(put_canary(session, "store", "bird", Now));
        throw std::runtime_error("surprise");
    });
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::Internal);
    EXPECT_EQ(*count_canaries(db(), 1), 0);
}

TEST_P(DatabaseConformance, ReadersSeeNothingOfAnOpenWrite) {
    const auto project = ProjectId("p");
    ASSERT_TRUE(db().write([&project](Session& session) { return ensure_project(session, project, Now); }));
    // A second thread reads while the write is open: it sees the state before, or waits until the write has ended.
    std::atomic<long> seen = -1;
    std::thread reader;
    ASSERT_TRUE(db().write([this, &reader, &seen, &project](Session& session) -> Result<void> {
                        model::Secret secret;
                        secret.id = SecretId("11111111-1111-4111-8111-111111111111");
                        secret.project = project;
                        TRY(insert_secret(session, secret));
                        reader = std::thread([this, &seen, &project] {
                            const auto count =
                                db().read([&project](Session& inner) { return count_secrets(inner, project, Now); });
                            seen = count ? *count : -2;
                        });
                        return Error{Code::Conflict, "not after all", {}};
                    })
                    .error()
                    .code == Code::Conflict);
    reader.join();
    EXPECT_EQ(seen, 0);
}

TEST_P(DatabaseConformance, EveryAcknowledgedWriteOfManyThreadsIsThereAndNoOther) {
    constexpr int Threads = 8, Writes = 40;
    std::vector<std::thread> threads;
    std::atomic<int> acknowledged = 0;
    for (int thread = 0; thread < Threads; ++thread) {
        threads.emplace_back([this, thread, &acknowledged] {
            for (int i = 0; i < Writes; ++i) {
                const int number = thread * Writes + i;
                // Every fourth fails after it has written, in the midst of others' groups.
                const bool fails = number % 4 == 3;
                const auto written = db().write([number, fails](Session& session) -> Result<void> {
                    TRY(put_canary(session, "store" + std::to_string(number), "bird", Now));
                    if (fails) return Error{Code::Conflict, "no", {}};
                    return {};
                });
                EXPECT_EQ(written.has_value(), !fails);
                if (written) ++acknowledged;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(acknowledged, Threads * Writes * 3 / 4);
    const auto found = count_canaries(db(), Threads * Writes);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, acknowledged);
}

TEST_P(DatabaseConformance, ReadersAndWritersWorkSideBySide) {
    std::vector<std::thread> threads;
    std::atomic<bool> failed = false;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([this, thread, &failed] {
            for (int i = 0; i < 50; ++i) {
                const std::string name = "store" + std::to_string(thread);
                const std::string bird = std::to_string(i);
                if (!db().write([&](Session& session) { return put_canary(session, name, bird, Now); })) failed = true;
                const auto read = db().read([&](Session& session) { return find_canary(session, name); });
                // What this thread was told is durable it also reads.
                if (!read || *read != bird) failed = true;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(failed);
}

TEST_P(DatabaseConformance, ASecondCreateSchemaFindsItsTablesAndLeavesThem) {
    ASSERT_TRUE(db().write([](Session& session) { return put_canary(session, "store", "bird", Now); }));
    const auto again = db().create_schema();
    EXPECT_TRUE(again) << again.error().message;
    EXPECT_EQ(*count_canaries(db(), 0), 0);
    const auto read = db().read([](Session& session) { return find_canary(session, "store"); });
    EXPECT_EQ(*read, "bird");
}

TEST_P(DatabaseConformance, ADuplicateIsAConflict) {
    model::Secret secret;
    secret.id = SecretId("11111111-1111-4111-8111-111111111111");
    secret.project = ProjectId("p");
    const auto insert = [&secret](Session& session) -> Result<void> {
        TRY(ensure_project(session, secret.project, Now));
        return insert_secret(session, secret);
    };
    ASSERT_TRUE(db().write(insert));
    const auto again = db().write(insert);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Conflict);
}

TEST_P(DatabaseConformance, AReferenceToNothingIsAConflict) {
    const auto written = db().write([](Session& session) -> Result<void> {
        model::Secret secret;
        secret.id = SecretId("11111111-1111-4111-8111-111111111111");
        secret.project = ProjectId("p");
        TRY(ensure_project(session, secret.project, Now));
        TRY(insert_secret(session, secret));
        return insert_payload(session, secret.id, KekId("22222222-2222-4222-8222-222222222222"), {"text", {}}, "a/b",
                              "plugin", Now);
    });
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Code::Conflict);
}

}  // namespace
}  // namespace sallyport::db
