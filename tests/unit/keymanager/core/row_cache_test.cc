#include "keymanager/core/row_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::core {
namespace {

constexpr db::CommitMark First{1};
constexpr db::CommitMark Second{2};

RowCache::Row row_of(const std::string& name, std::size_t cypher_text = 32) {
    db::SecretWithPayload row;
    row.secret.attributes.name = name;
    row.payload.emplace().wrapped.cypher_text = std::string(cypher_text, 'c');
    return std::make_shared<const db::SecretWithPayload>(std::move(row));
}

TEST(RowCache, GivesBackWhatWasReadUnderTheSameMark) {
    RowCache cache;
    const auto row = row_of("a");
    cache.put(SecretId("a"), First, row);
    EXPECT_EQ(cache.find(SecretId("a"), First), row);
    EXPECT_EQ(cache.find(SecretId("b"), First), nullptr);
}

TEST(RowCache, AnyCommitMakesEveryRowStrange) {
    RowCache cache;
    cache.put(SecretId("a"), First, row_of("old"));
    EXPECT_EQ(cache.find(SecretId("a"), Second), nullptr);
    const auto row = row_of("new");
    cache.put(SecretId("a"), Second, row);
    EXPECT_EQ(cache.find(SecretId("a"), Second), row);
    EXPECT_EQ(cache.find(SecretId("a"), First), nullptr);
}

TEST(RowCache, ALongPayloadIsNotKept) {
    RowCache cache;
    cache.put(SecretId("a"), First, row_of("a", 100'000));
    EXPECT_EQ(cache.find(SecretId("a"), First), nullptr);
}

TEST(RowCache, IsBoundedAndKeepsWhatIsUsed) {
    RowCache cache;
    const SecretId hot("hot");
    cache.put(hot, First, row_of("hot"));
    for (int i = 0; i < 5000; ++i) {
        cache.put(SecretId(std::to_string(i)), First, row_of("cold"));
        ASSERT_NE(cache.find(hot, First), nullptr);
    }
    int kept = 0;
    for (int i = 0; i < 5000; ++i) kept += cache.find(SecretId(std::to_string(i)), First) == nullptr ? 0 : 1;
    EXPECT_GT(kept, 500);
    EXPECT_LT(kept, 1025);
}

}  // namespace
}  // namespace sallyport::core
