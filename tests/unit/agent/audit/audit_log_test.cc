#include "agent/audit/audit_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/unit/agent/audit/scratch_log.h"

namespace sallyport::audit {
namespace {

using testing_::ScratchLog;

TEST(AuditLog, GoesOnWithItsChainAfterARestart) {
    const ScratchLog log;
    log.write(2);
    log.write(2);
    EXPECT_EQ(log.judgement(), "whole");
    EXPECT_EQ(log.verify().lines, 4U);
}

TEST(AuditLog, LosesNoLineBetweenThreads) {
    const ScratchLog log;
    {
        const auto writer = log.open();
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&writer] {
                for (int n = 0; n < 200; ++n) EXPECT_TRUE(writer->record({.name = "e", .id = "i"}));
            });
        }
        for (std::thread& thread : threads) thread.join();
    }
    EXPECT_EQ(log.verify().lines, 800U);
    EXPECT_EQ(log.judgement(), "whole");
}

TEST(AuditLog, CutsOffTheHalfLineOfACrashAndSaysSo) {
    const ScratchLog log;
    log.write(2);
    std::ofstream(log.file(), std::ios::app) << "{\"seq\":3,\"ti";
    log.write(1);
    EXPECT_EQ(log.judgement(), "whole");
    const auto lines = log.lines();
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_NE(lines[2].find("audit.recovered"), std::string::npos);
    EXPECT_NE(lines[2].find("12 bytes of a half-written line"), std::string::npos) << lines[2];
    EXPECT_EQ(log.verify().recoveries, 1U);
}

TEST(AuditLog, AChainWhoseTailWasCutStaysBroken) {
    const ScratchLog log;
    log.write(3);
    auto lines = log.lines();
    lines.resize(2);
    log.replace(lines);
    log.write(2);  // the agent starts again
    EXPECT_EQ(log.judgement(), "3: the lines 3 to 3 are missing before it");
}

TEST(AuditLog, IsWrittenByOneProcessAlone) {
    const ScratchLog log;
    const auto first = log.open();
    const auto second = AuditLog::open({.file = log.file(), .key_file = log.key()}, system_clock());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict);
}

TEST(AuditLog, RefusesAKeyThatOthersMayRead) {
    const ScratchLog log;
    ::chmod(log.key().c_str(), 0440);
    const bool is_root_group = ::geteuid() == 0;  // then 0440 is how systemd hands over a credential
    if (is_root_group) ::chmod(log.key().c_str(), 0444);
    EXPECT_EQ(load_chain(log.key()).error().code, Code::Refused);
    ::chmod(log.key().c_str(), 0600);
    std::ofstream(log.key()) << "short\n";
    EXPECT_EQ(load_chain(log.key()).error().code, Code::InvalidInput);
    EXPECT_EQ(load_chain(log.in_folder("none")).error().code, Code::Io);
}

/// Files of this process cannot grow beyond a size for as long as this lives.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        old_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, old_);
    }

private:
    rlimit before_{};
    void (*old_)(int) = nullptr;
};

TEST(AuditLog, AFullDiskRefusesUntilThereIsRoomAgain) {
    const ScratchLog log;
    {
        const auto writer = log.open();
        EXPECT_TRUE(writer->record({.name = "before", .id = {}}));
        {
            const FullDisk full(std::filesystem::file_size(log.file()) + 40);
            EXPECT_TRUE(writer->admit());
            const auto refused = writer->record({.name = "lost", .id = {}});
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, Code::Unavailable);
            EXPECT_FALSE(writer->admit());
        }
        EXPECT_TRUE(writer->admit());
        EXPECT_TRUE(writer->record({.name = "after", .id = {}}));
    }
    EXPECT_EQ(log.judgement(), "whole");
    const auto lines = log.lines();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_NE(lines[1].find("\"audit.resumed\""), std::string::npos);
    EXPECT_NE(lines[1].find("\"missing_lines\":\"1\""), std::string::npos) << lines[1];
}

TEST(AuditLog, MayBeToldToWarnOnly) {
    const ScratchLog log;
    const auto writer = log.open(WhenUnwritable::Warn);
    const FullDisk full(1);
    EXPECT_FALSE(writer->record({.name = "lost", .id = {}}));
    EXPECT_TRUE(writer->admit());
    EXPECT_FALSE(writer->must_refuse());
}

}  // namespace
}  // namespace sallyport::audit
