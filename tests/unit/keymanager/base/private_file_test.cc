#include "keymanager/base/private_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/base/durable.h"

namespace sallyport {
namespace {

constexpr PrivateFileKind Kind{.what = "test file", .most_bytes = 8};
constexpr PrivateFileKind Itself{.what = "test file", .most_bytes = 8, .follows_links = false};

class PrivateFileTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-private-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return folder_ / name; }
    std::string write(const std::string& text, mode_t mode = 0400) const {
        const std::string at = path("secret");
        std::filesystem::remove(at);
        std::ofstream(at) << text;
        ::chmod(at.c_str(), mode);
        return at;
    }
    /// The error, which always names the file.
    static Error refusal(const std::string& path, const PrivateFileKind& kind = Kind) {
        const auto read = read_private_file(path, kind);
        if (read) return {Code::Internal, "it was read", {}};
        EXPECT_NE(read.error().message.find(path), std::string::npos) << read.error().message;
        return read.error();
    }

private:
    std::filesystem::path folder_;
};

TEST_F(PrivateFileTest, IsReadWholeUpToItsMost) {
    for (const std::string text : {"", "a", "12345678"}) {
        const auto read = read_private_file(write(text), Kind);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(text_of(read->reveal()), text);
    }
    EXPECT_TRUE(read_private_file(write("a", 0600), Kind));
    EXPECT_EQ(refusal(write("123456789")).code, Code::TooLarge);
}

TEST_F(PrivateFileTest, ThatOthersMayReadOrChangeIsRefused) {
    for (const mode_t mode : {0644, 0640, 0604, 0660, 0700, 0500, 0620, 04600}) {
        const Error error = refusal(write("a", mode));
        EXPECT_EQ(error.code, Code::Refused) << std::oct << mode;
        EXPECT_NE(error.message.find("0400"), std::string::npos) << "the message says what to do";
    }
}

TEST_F(PrivateFileTest, OfAnotherUserIsRefused) {
    const std::string file = write("a");
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
        EXPECT_EQ(refusal(file).code, Code::Refused);
    } else {
        // Only root can give a file away; everybody meets files of root that all may read.
        EXPECT_EQ(refusal("/etc/passwd").code, Code::Refused);
    }
}

TEST_F(PrivateFileTest, BehindALinkIsForThoseWhoFollowOnes) {
    const std::string file = write("a");
    ASSERT_EQ(::symlink(file.c_str(), path("link").c_str()), 0);
    EXPECT_TRUE(read_private_file(path("link"), Kind));
    EXPECT_EQ(refusal(path("link"), Itself).code, Code::Refused);
    EXPECT_TRUE(read_private_file(file, Itself));
}

TEST_F(PrivateFileTest, ThatIsNoFileIsRefusedWithoutWaiting) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(refusal(path("fifo")).code, Code::Refused);
    ASSERT_EQ(::mkdir(path("folder").c_str(), 0700), 0);
    EXPECT_EQ(refusal(path("folder")).code, Code::Refused);
    EXPECT_EQ(refusal(path("missing")).code, Code::Io);
}

TEST_F(PrivateFileTest, LeavesNothingInTheArena) {
    const std::size_t before = secure_arena_usage().used;
    EXPECT_TRUE(read_private_file(write("a"), Kind));
    EXPECT_FALSE(read_private_file(write("123456789"), Kind));
    EXPECT_EQ(secure_arena_usage().used, before);
}

TEST_F(PrivateFileTest, TheFolderOfANameIsFlushedOrTheErrorNamesIt) {
    EXPECT_TRUE(flush_folder_of(write("a")));
    const auto failed = flush_folder_of(path("missing/file"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::Io);
    EXPECT_NE(failed.error().message.find("missing/file"), std::string::npos);
}

}  // namespace
}  // namespace sallyport
