#include "agent/audit/verify.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/agent/audit/scratch_log.h"

namespace sallyport::audit {
namespace {

using testing_::ScratchLog;

TEST(AuditVerify, AWholeChainIsWhole) {
    const ScratchLog log;
    log.write(5);
    const Verdict verdict = log.verify();
    EXPECT_FALSE(verdict.broken);
    EXPECT_EQ(verdict.lines, 5U);
    EXPECT_EQ(verdict.first, 1U);
    EXPECT_EQ(verdict.last.sequence, 5U);
}

TEST(AuditVerify, NamesAChangedLine) {
    const ScratchLog log;
    log.write(5);
    auto lines = log.lines();
    lines[2].replace(lines[2].find("event 3"), 7, "event 9");
    log.replace(lines);
    EXPECT_EQ(log.judgement(), "3: the line was changed, or was written under another key");
}

TEST(AuditVerify, NamesAMissingLine) {
    const ScratchLog log;
    log.write(5);
    auto lines = log.lines();
    lines.erase(lines.begin() + 1);
    log.replace(lines);
    EXPECT_EQ(log.judgement(), "2: the lines 2 to 2 are missing before it");
}

TEST(AuditVerify, NamesARepeatedAndASwappedLine) {
    const ScratchLog log;
    log.write(4);
    const auto lines = log.lines();
    log.replace({lines[0], lines[1], lines[1], lines[2], lines[3]});
    EXPECT_EQ(log.judgement(), "3: it is number 2 again");
    log.replace({lines[0], lines[2], lines[1], lines[3]});
    EXPECT_EQ(log.judgement(), "2: the lines 2 to 2 are missing before it");
}

TEST(AuditVerify, SeesACutTail) {
    const ScratchLog log;
    log.write(5);
    auto lines = log.lines();
    lines.pop_back();
    log.replace(lines);
    EXPECT_EQ(log.judgement(), "0: the chain ends with 4, but its head record says 5: 1 lines are missing at the end");
    log.replace({});
    EXPECT_EQ(log.judgement(), "0: the chain ends with 0, but its head record says 5: 5 lines are missing at the end");
}

TEST(AuditVerify, SeesACutTailWhoseHeadRecordWasRemovedOrForged) {
    const ScratchLog log;
    log.write(5);
    auto lines = log.lines();
    lines.pop_back();
    log.replace(lines);
    // The head that the shorter chain would have, made without the key.
    auto keyless = Chain::make({});
    const auto forged = keyless->head({4, {}});
    std::ofstream(head_path(log.file()), std::ios::trunc) << std::string(forged->begin(), forged->end());
    EXPECT_EQ(log.judgement(), "0: there is no head record with a seal that verifies: lines may be missing at the end");
    std::filesystem::remove(head_path(log.file()));
    EXPECT_EQ(log.judgement(), "0: there is no head record with a seal that verifies: lines may be missing at the end");
}

TEST(AuditVerify, AChainThatWasMadeAnewWithoutTheKeyDoesNotPass) {
    const ScratchLog log;
    log.write(3);
    auto keyless = Chain::make({});
    std::vector<std::string> forged;
    Link link;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        std::string line = "{\"seq\":" + std::to_string(i) + ",\"event\":\"harmless\"";
        link = *keyless->seal(line, i, link.mac);
        line.pop_back();
        forged.push_back(line);
    }
    log.replace(forged);
    EXPECT_EQ(log.judgement(), "1: the line was changed, or was written under another key");
}

TEST(AuditVerify, AnAnchorShowsThatBothWereRolledBack) {
    const ScratchLog log;
    log.write(3);
    std::filesystem::copy(log.file(), log.in_folder("old"));
    std::filesystem::copy(head_path(log.file()), log.in_folder("old.head"));
    log.write(2);
    const Link anchor = log.verify().last;
    auto chain = load_chain(log.key());
    const auto judge = [&](const std::string& file) {
        return verify_files({file}, *chain, {.head_file = head_path(file), .anchor = anchor})->broken.has_value();
    };
    EXPECT_FALSE(judge(log.file()));
    EXPECT_TRUE(judge(log.in_folder("old")));
}

TEST(AuditVerify, FollowsTheChainThroughRotatedFiles) {
    const ScratchLog log;
    {
        const auto writer = log.open();
        EXPECT_TRUE(writer->record({.name = "one", .id = {}}));
        std::filesystem::rename(log.file(), log.file() + ".2");
        EXPECT_TRUE(writer->record({.name = "two", .id = {}}));  // goes into the renamed one
        EXPECT_TRUE(writer->reopen());
        EXPECT_TRUE(writer->record({.name = "three", .id = {}}));
        std::filesystem::rename(log.file(), log.file() + ".1");
        EXPECT_TRUE(writer->reopen());
    }
    EXPECT_EQ(log.verify().lines, 3U);
    EXPECT_EQ(log.judgement(), "whole");
    // The oldest may be gone; one from the middle may not.
    log.write(1);
    std::filesystem::rename(log.file() + ".2", log.in_folder("elsewhere"));
    EXPECT_EQ(log.judgement(), "whole");
    EXPECT_EQ(log.verify().first, 3U);
    std::filesystem::rename(log.in_folder("elsewhere"), log.file() + ".2");
    std::filesystem::remove(log.file() + ".1");
    EXPECT_EQ(log.judgement(), "1: the lines 3 to 3 are missing before it");
}

}  // namespace
}  // namespace sallyport::audit
