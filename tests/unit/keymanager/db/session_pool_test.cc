#include "keymanager/db/session_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/keymanager/db/sqlite_file.h"

namespace sallyport::db {
namespace {

TEST(SessionPool, AReaderWaitsWhenAllSessionsAreLent) {
    const SqliteFile file;
    const auto database = file.open(2);
    ASSERT_TRUE(database->create_schema());
    std::atomic<int> at_once = 0, most = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; ++thread) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                const auto read = database->read([&](Session&) -> Result<void> {
                    const int now = ++at_once;
                    int seen = most;
                    while (seen < now && !most.compare_exchange_weak(seen, now)) {
                    }
                    std::this_thread::yield();
                    --at_once;
                    return {};
                });
                EXPECT_TRUE(read);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_LE(most, 2);
    EXPECT_GE(most, 1);
}

TEST(SessionPool, ThatCannotOpenASessionSaysSoEveryTime) {
    int tries = 0;
    SessionPool pool(1, [&tries]() -> Result<std::unique_ptr<Session>> {
        ++tries;
        return Error{Code::Unavailable, "away", {}};
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.borrow().error().code, Code::Unavailable);
    EXPECT_EQ(tries, 3);  // a failed one goes back to those that may be opened
}

}  // namespace
}  // namespace sallyport::db
