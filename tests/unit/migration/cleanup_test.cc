#include "migration/cleanup.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

const Timestamp Now = *parse_iso8601("2026-11-22T22:30:00Z");
const std::string Suffix = ".sallyport-20261122T223000Z";

class CleanupTest : public ConfigFolder {
protected:
    Result<Cleanup> prepare(const std::vector<std::string>& names, ConfigOwner owner = ConfigOwner::Cinder) const {
        std::vector<CleanupTarget> targets;
        for (const std::string& name : names) targets.push_back({path(name), owner});
        return Cleanup::prepare(targets);
    }
    /// What becomes of one file.
    std::string cleaned(const std::string& text) const {
        write("c.conf", text);
        auto cleanup = prepare({"c.conf"});
        if (!cleanup) return "error: " + cleanup.error().message;
        const auto done = cleanup->run(Now);
        if (!done) return "error: " + done.error().message;
        return content(path("c.conf"));
    }
};

TEST_F(CleanupTest, TakesTheLinesOutAndLeavesAllElseByteForByte) {
    EXPECT_EQ(cleaned("# head\r\n[key_manager]\n backend\n"), "error: " + path("c.conf") +
                                                                  ":3: it starts with a blank, but there is no option "
                                                                  "above that it could continue");
    EXPECT_EQ(cleaned("# head\r\n[key_manager]\nbackend = x\nfixed_key = 00\n# tail"),
              "# head\r\n[key_manager]\nbackend = x\n# tail");
    EXPECT_EQ(cleaned("[Key_Manager]\nfixed_key: 00\n\n[keymgr]\n\tx\n"),
              "error: " + path("c.conf") +
                  ":5: it starts with a blank, but there is "
                  "no option above that it could continue");
    EXPECT_EQ(cleaned("[KEYMGR]\nfixed_key='0A'\r\nfixed_key=0a\rx=1"), "[KEYMGR]\nx=1");
    EXPECT_EQ(cleaned("[other]\nfixed_key=00\n[key_manager]\nfixed_key=11"), "[other]\nfixed_key=00\n[key_manager]\n");
    EXPECT_EQ(cleaned("[key_manager]\nfixed_key =\n"), "[key_manager]\n");
}

TEST_F(CleanupTest, KeepsABackupAndSaysWhatItDid) {
    const std::string cinder =
        "[DEFAULT]\n# fixed_key = AB01\n[key_manager]\nfixed_key = ab01\n\n[keymgr]\nfixed_key=AB01\n";
    write("cinder.conf", cinder);
    write("nova.conf", "[DEFAULT]\n");
    const CleanupTarget targets[] = {{path("cinder.conf"), ConfigOwner::Cinder},
                                     {path("nova.conf"), ConfigOwner::Nova}};
    auto cleanup = Cleanup::prepare(targets);
    ASSERT_TRUE(cleanup) << cleanup.error().message;
    EXPECT_EQ(content(path("cinder.conf")), cinder);
    const auto done = cleanup->run(Now);
    ASSERT_TRUE(done) << done.error().message;

    const CleanupFile& file = cleanup->files()[0];
    EXPECT_EQ(file.removed, (std::vector<CleanupFile::Lines>{{4, 4}, {7, 7}}));
    EXPECT_EQ(file.still_there, std::vector<std::size_t>{2});
    EXPECT_EQ(file.backup, path("cinder.conf") + Suffix);
    EXPECT_EQ(content(file.backup), cinder);
    EXPECT_TRUE(cleanup->files()[1].removed.empty());
    EXPECT_EQ(cleanup->files()[1].backup, "");
    EXPECT_EQ(cleanup->restarts(), (std::vector<Restart>{{"cinder-volume", {path("cinder.conf")}},
                                                         {"cinder-backup", {path("cinder.conf")}},
                                                         {"cinder-scheduler", {path("cinder.conf")}},
                                                         {"cinder-api", {path("cinder.conf")}}}));
}

TEST_F(CleanupTest, CleansFoldersAndEachFileOnce) {
    write("conf.d/a.conf", "[key_manager]\nfixed_key=00\n");
    write("conf.d/b.conf", "[DEFAULT]\n");
    auto cleanup = prepare({"conf.d", "conf.d/a.conf", "conf.d/../conf.d/a.conf"}, ConfigOwner::Nova);
    ASSERT_TRUE(cleanup && cleanup->run(Now));
    EXPECT_EQ(cleanup->files().size(), 2U);
    EXPECT_EQ(content(path("conf.d/a.conf")), "[key_manager]\n");
    EXPECT_EQ(cleanup->restarts(), (std::vector<Restart>{{"nova-compute", {path("conf.d/a.conf")}}}));
    auto again = prepare({"conf.d"});
    ASSERT_TRUE(again && again->run(Now));
    EXPECT_TRUE(again->restarts().empty());
}

TEST_F(CleanupTest, RefusesBeforeItTouchesAnythingIfAFileIsNotAsItShouldBe) {
    const std::string good = "[key_manager]\nfixed_key=00\n";
    const auto refusal = [this, &good](const std::string& second) {
        write("good.conf", good);
        write("bad.conf", second);
        const auto cleanup = prepare({"good.conf", "bad.conf"});
        EXPECT_EQ(content(path("good.conf")), good);
        EXPECT_FALSE(cleanup);
        if (cleanup) return Code::Internal;
        EXPECT_NE(cleanup.error().message.find("bad.conf"), std::string::npos) << cleanup.error().message;
        return cleanup.error().code;
    };
    EXPECT_EQ(refusal("[key_manager]\nfixed_key=01\n"), Code::Conflict);
    EXPECT_EQ(refusal("[key_manager]\nfixed_key=00\n[keymgr]\nfixed_key=01\n"), Code::Conflict);
    EXPECT_EQ(refusal("[key_manager]\nfixed_key=0\n"), Code::InvalidInput);
    EXPECT_EQ(refusal("[key_manager\n"), Code::InvalidInput);
    EXPECT_EQ(refusal("[key_manager]\nfixed_key=00\nother=$fixed_key\n"), Code::Refused);
    EXPECT_EQ(refusal("[key_manager]\nfixed_key=00\n[g]\nother=${key_manager.fixed_key}\n"), Code::Refused);
    std::filesystem::remove(path("bad.conf"));
    std::filesystem::create_symlink(path("good.conf"), path("bad.conf"));
    EXPECT_EQ(prepare({"good.conf", "bad.conf"}).error().code, Code::Refused);
    EXPECT_EQ(prepare({"good.conf", "none.conf"}).error().code, Code::NotFound);
}

TEST_F(CleanupTest, StopsIfAFileChangesBetweenReadingAndWriting) {
    write("c.conf", "[key_manager]\nfixed_key=00\n");
    auto cleanup = prepare({"c.conf"});
    ASSERT_TRUE(cleanup);
    write("c.conf", "[key_manager]\nfixed_key=00\nnew = 1\n");
    EXPECT_EQ(cleanup->run(Now).error().code, Code::Conflict);
    EXPECT_EQ(content(path("c.conf")), "[key_manager]\nfixed_key=00\nnew = 1\n");
}

}  // namespace
}  // namespace sallyport::migration
