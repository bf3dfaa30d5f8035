#include "keymanager/core/policy_file.h"

#include <gtest/gtest.h>

namespace sallyport::core {
namespace {

TEST(PolicyFile, ReadsTextsAndLists) {
    const auto read = read_policy_file("a: role:x\nb: [[role:x, role:y], role:z]\nc: []\nd:\n");
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 4U);
    EXPECT_EQ((*read)[0].second.text, "role:x");
    EXPECT_TRUE((*read)[1].second.is_list);
    ASSERT_EQ((*read)[1].second.lists.size(), 2U);
    EXPECT_EQ((*read)[1].second.lists[0].size(), 2U);
    EXPECT_EQ((*read)[1].second.lists[1].size(), 1U);
    EXPECT_TRUE((*read)[2].second.lists.empty());
    EXPECT_EQ((*read)[3].second.text, "");
}

TEST(PolicyFile, AnEmptyFileHasNoEntries) {
    EXPECT_TRUE(read_policy_file("")->empty());
    EXPECT_TRUE(read_policy_file("# nothing\n")->empty());
    EXPECT_TRUE(read_policy_file("{}")->empty());
}

TEST(PolicyFile, SaysOnWhichLineItStopped) {
    EXPECT_EQ(read_policy_file("- a\n").error().message, "policy file, line 1: expected a map of rule names to rules");
    EXPECT_EQ(read_policy_file("a: x\nb:\n  c: d\n").error().message, "policy file, line 3: expected a text or a list");
    EXPECT_EQ(read_policy_file("a: x\na: y\n").error().message, "policy file, line 2: rule 'a' is given twice");
    EXPECT_EQ(read_policy_file("a: [[[x]]]\n").error().message,
              "policy file, line 1: expected a check, such as role:admin");
    EXPECT_FALSE(read_policy_file("a: [\n"));
}

}  // namespace
}  // namespace sallyport::core
