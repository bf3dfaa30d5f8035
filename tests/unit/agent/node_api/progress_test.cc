#include "agent/node_api/progress.h"

#include <gtest/gtest.h>

namespace sallyport::node_api {
namespace {

TEST(ProgressBoard, KnowsARequestAsLongAsItRuns) {
    ProgressBoard board;
    {
        const auto line = board.begin("a-job");
        ASSERT_TRUE(line);
        EXPECT_EQ(board.find("a-job")->total, 0u);
        board.update("a-job", 3, 10);
        EXPECT_EQ(board.find("a-job")->done, 3u);
        EXPECT_EQ(board.begin("a-job").error().code, Code::Conflict);
    }
    EXPECT_FALSE(board.find("a-job"));
    EXPECT_TRUE(board.begin("a-job"));
}

TEST(ProgressBoard, TakesPlainNamesOnly) {
    ProgressBoard board;
    for (const std::string& job : {std::string(), std::string("a/b"), std::string("a b"), std::string(65, 'a')}) {
        EXPECT_EQ(board.begin(job).error().code, Code::InvalidInput) << job;
    }
    board.update("unknown", 1, 2);
    EXPECT_FALSE(board.find("unknown"));
}

}  // namespace
}  // namespace sallyport::node_api
