#include "migration/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

class JournalOf : public ConfigFolder {
protected:
    JournalEntry entry(Step step, std::string row = {}, std::string note = {}) {
        return {Now, step, std::move(row), "key", std::move(note)};
    }
    void append(Journal& journal, Step step, std::string row = {}, std::string note = {}) {
        const JournalEntry one = entry(step, std::move(row), std::move(note));
        ASSERT_TRUE(journal.append(std::span(&one, 1)));
    }

    std::string path_{};

    void SetUp() override {
        ConfigFolder::SetUp();
        path_ = path("journal");
    }
};

TEST_F(JournalOf, TellsHowFarARunIs) {
    {
        const auto journal = std::move(Journal::open(path_)).value();
        append(*journal, Step::Run, "", "3");
        append(*journal, Step::Intent, "volume a");
        append(*journal, Step::Done, "volume a");
        append(*journal, Step::Failed, "volume b", "the key manager is away");
        const auto summary = std::move(summarize_journal(path_)).value();
        EXPECT_TRUE(summary.is_running);
        EXPECT_EQ(summary.total, 3);
        EXPECT_EQ(summary.done, 1);
        EXPECT_EQ(summary.failures.at("volume b"), "the key manager is away");
    }
    const auto summary = std::move(summarize_journal(path_)).value();
    EXPECT_FALSE(summary.is_running);
    EXPECT_FALSE(summary.ended);
}

TEST_F(JournalOf, IsForItsOwnerAndOneWriter) {
    const auto journal = std::move(Journal::open(path_)).value();
    struct stat facts {};
    ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    const auto second = Journal::open(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
}

TEST_F(JournalOf, CutsOffALineThatACrashLeft) {
    {
        const auto journal = std::move(Journal::open(path_)).value();
        append(*journal, Step::Run, "", "1");
    }
    const auto whole = std::filesystem::file_size(path_);
    std::ofstream(path_, std::ios::app) << R"({"at": "2026-11-22T00:00)";
    EXPECT_TRUE(summarize_journal(path_)) << "half a line is being written";
    const auto journal = std::move(Journal::open(path_)).value();
    EXPECT_EQ(std::filesystem::file_size(path_), whole);
}

TEST_F(JournalOf, NamesALineThatIsNone) {
    std::ofstream(path_) << "{\"step\": \"run\"}\n";
    const auto summary = summarize_journal(path_);
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code, Code::Corrupt);
    EXPECT_NE(summary.error().message.find("line 1"), std::string::npos);
}

TEST_F(JournalOf, RefusesALinkAndAFileThatOthersWrite) {
    std::filesystem::create_symlink(path("elsewhere"), path_);
    EXPECT_FALSE(Journal::open(path_));
    std::filesystem::remove(path_);
    std::ofstream(path_).flush();
    std::filesystem::permissions(path_, std::filesystem::perms(0666));
    const auto open = Journal::open(path_);
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, Code::Refused);
}

TEST_F(JournalOf, KeepsTheLinesOfManyWritersWhole) {
    {
        const auto journal = std::move(Journal::open(path_)).value();
        append(*journal, Step::Run, "", "400");
        std::vector<std::jthread> writers;
        for (int writer = 0; writer < 4; ++writer) {
            writers.emplace_back([&journal, this] {
                for (int i = 0; i < 100; ++i) append(*journal, Step::Done, "volume x");
            });
        }
    }
    EXPECT_EQ(std::move(summarize_journal(path_)).value().done, 400);
}

}  // namespace
}  // namespace sallyport::migration
