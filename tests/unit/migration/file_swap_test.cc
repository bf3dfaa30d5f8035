#include "migration/file_swap.h"

#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "keymanager/base/bytes.h"
#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

class FileSwapTest : public ConfigFolder {
protected:
    static SecureBytes locked(std::string_view text) { return std::move(SecureBytes::copy_of(bytes_of(text))).value(); }
    static struct stat status_of(const std::string& path) {
        struct stat status {};
        ::lstat(path.c_str(), &status);
        return status;
    }
    std::size_t files_here() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path("")), {}));
    }
    static Error refusal(const std::string& path) {
        const auto swap = FileSwap::open(path);
        if (swap) return {Code::Internal, "it was opened", {}};
        EXPECT_NE(swap.error().message.find(path), std::string::npos) << swap.error().message;
        return swap.error();
    }
};

TEST_F(FileSwapTest, ReplacesAFileAndKeepsModeAttributesAndABackup) {
    const std::string at = write("cinder.conf", "old");
    ::chmod(at.c_str(), 0640);
    const bool attributes = ::setxattr(at.c_str(), "user.note", "x", 1, 0) == 0;
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(at.c_str(), 12, 34), 0);
    }

    auto swap = FileSwap::open(at);
    ASSERT_TRUE(swap) << swap.error().message;
    EXPECT_EQ(text_of(swap->content().reveal()), "old");
    const auto staged = swap->stage(locked("new"), ".bak");
    ASSERT_TRUE(staged) << staged.error().message;
    EXPECT_EQ(content(at), "old");
    EXPECT_EQ(content(at + ".bak"), "old");
    const auto committed = swap->commit();
    ASSERT_TRUE(committed) << committed.error().message;

    EXPECT_EQ(content(at), "new");
    EXPECT_EQ(swap->backup(), at + ".bak");
    EXPECT_EQ(content(at + ".bak"), "old");
    EXPECT_EQ(status_of(at + ".bak").st_mode & 07777U, 0600U);
    EXPECT_EQ(status_of(at).st_mode & 07777U, 0640U);
    if (::geteuid() == 0) {
        EXPECT_EQ(status_of(at).st_uid, 12U);
        EXPECT_EQ(status_of(at).st_gid, 34U);
    }
    char value = 0;
    if (attributes) {
        EXPECT_EQ(::getxattr(at.c_str(), "user.note", &value, 1), 1);
        EXPECT_EQ(value, 'x');
    }
    EXPECT_EQ(files_here(), 2U);
}

TEST_F(FileSwapTest, LeavesNothingBehindUnlessItIsCommitted) {
    const std::string at = write("cinder.conf", "old");
    {
        auto swap = FileSwap::open(at);
        ASSERT_TRUE(swap && swap->stage(locked("new"), ".bak"));
        EXPECT_EQ(files_here(), 3U);
    }
    EXPECT_EQ(content(at), "old");
    EXPECT_EQ(files_here(), 1U);
}

TEST_F(FileSwapTest, RemovesWhatADeadRunLeftHalfMadeButNoBackup) {
    const std::string at = write("cinder.conf", "old");
    write(".cinder.conf.sallyport-abc123", "half");
    write("cinder.conf.bak", "of an earlier run");
    auto swap = FileSwap::open(at);
    ASSERT_TRUE(swap && swap->stage(locked("new"), ".bak") && swap->commit());
    EXPECT_EQ(content(at + ".bak"), "of an earlier run");
    EXPECT_EQ(swap->backup(), at + ".bak.1");
    EXPECT_EQ(content(at + ".bak.1"), "old");
    EXPECT_EQ(files_here(), 3U);
}

TEST_F(FileSwapTest, GivesUpIfSomebodyElseChangesTheFile) {
    const std::string at = write("cinder.conf", "old");
    auto swap = FileSwap::open(at);
    ASSERT_TRUE(swap && swap->stage(locked("new"), ".bak"));
    std::ofstream(at) << "theirs";
    EXPECT_EQ(swap->commit().error().code, Code::Conflict);
    EXPECT_EQ(content(at), "theirs");
}

TEST_F(FileSwapTest, RefusesWhatIsNoPlainFileOfItsOwn) {
    const std::string at = write("cinder.conf", "old");
    std::filesystem::create_symlink(at, path("link"));
    EXPECT_EQ(refusal(path("link")).code, Code::Refused);
    std::filesystem::create_directory(path("folder"));
    EXPECT_EQ(refusal(path("folder")).code, Code::Refused);
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_EQ(refusal(path("pipe")).code, Code::Refused);
    EXPECT_EQ(refusal(path("none")).code, Code::NotFound);
    std::filesystem::create_hard_link(at, path("second"));
    EXPECT_EQ(refusal(at).code, Code::Refused);
}

TEST_F(FileSwapTest, RefusesAFileThatItMayNotWrite) {
    const std::string at = write("cinder.conf", "old");
    ::chmod(at.c_str(), 0444);
    if (::geteuid() != 0) {
        EXPECT_EQ(refusal(at).code, Code::Refused);
        return;
    }
    // Root may write everything; its child gives that up.
    ::chmod(path("").c_str(), 0755);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setegid(65534) != 0 || ::seteuid(65534) != 0) ::_exit(2);
        ::_exit(FileSwap::open(at).error().code == Code::Refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace sallyport::migration
