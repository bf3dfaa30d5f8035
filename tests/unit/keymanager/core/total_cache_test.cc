#include "keymanager/core/total_cache.h"

#include <gtest/gtest.h>

namespace sallyport::core {
namespace {

constexpr db::CommitMark First{1};
constexpr db::CommitMark Second{2};
const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
const Timestamp Later = Now + std::chrono::hours(1);
const ProjectId Project("p");

TEST(TotalCache, CountsUntilACommitOrTheNextExpiration) {
    TotalCache totals;
    totals.put(Project, {}, First, {7, Later});
    EXPECT_EQ(totals.find(Project, {}, First, Now), 7);
    EXPECT_EQ(totals.find(Project, {}, Second, Now), std::nullopt);
    EXPECT_EQ(totals.find(Project, {}, First, Later), std::nullopt);
}

TEST(TotalCache, ListsOfOtherFiltersAreOtherLists) {
    TotalCache totals;
    totals.put(Project, {}, First, {7, Later});
    EXPECT_EQ(totals.find(ProjectId("q"), {}, First, Now), std::nullopt);

    std::vector<model::SecretFilter> others(9);
    others[0].name = "a";
    others[1].algorithm = "a";
    others[2].mode = "a";
    others[3].secret_type = "a";
    others[4].bits = 1;
    others[5].created = {{model::TimeBound::Op::Less, Now}};
    others[6].updated = {{model::TimeBound::Op::Less, Now}};
    others[7].expiration = {{model::TimeBound::Op::Less, Now}};
    others[8].acl_only = UserId("a");
    for (std::size_t i = 0; i < others.size(); ++i) {
        EXPECT_EQ(totals.find(Project, others[i], First, Now), std::nullopt) << i;
        totals.put(Project, others[i], First, {static_cast<long>(i), Later});
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
        EXPECT_EQ(totals.find(Project, others[i], First, Now), static_cast<long>(i));
    }
}

TEST(TotalCache, TheOrderOfAListMakesNoOther) {
    TotalCache totals;
    totals.put(Project, {}, First, {7, Later});
    model::SecretFilter sorted;
    sorted.sort = {{"name", true}};
    EXPECT_EQ(totals.find(Project, sorted, First, Now), 7);
}

}  // namespace
}  // namespace sallyport::core
