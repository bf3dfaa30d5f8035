#include "agent/cli/secret_io.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "keymanager/base/bytes.h"

namespace sallyport::cli {
namespace {

using testing::HasSubstr;

class SecretIo : public testing::Test {
protected:
    SecretIo() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-cli-XXXXXX").string();
        EXPECT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    ~SecretIo() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
        return folder_ + "/" + name;
    }
    static std::string text_of_file(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    static SecureBytes secret(const std::string& text) { return *SecureBytes::copy_of(bytes_of(text)); }

    std::string folder_;
};

TEST_F(SecretIo, ReadsEveryByteOfAFile) {
    for (const std::size_t size : {1U, 511U, 512U, 513U, 70000U}) {
        const std::string bytes(size, '\xff');
        const auto read = read_secret_file(file("key", bytes));
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(text_of(read->reveal()), bytes);
    }
    EXPECT_EQ(text_of(read_secret_file(file("key", std::string("a\0b\n", 4)))->reveal()), std::string("a\0b\n", 4));
}

TEST_F(SecretIo, ReadsAPipeToItsEnd) {
    const std::string pipe = folder_ + "/pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    std::thread writer([&pipe] { std::ofstream(pipe) << std::string(5000, 'x'); });
    const auto read = read_secret_file(pipe);
    writer.join();
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->size(), 5000U);
}

TEST_F(SecretIo, SaysWhatIsWrongWithAFile) {
    EXPECT_EQ(read_secret_file(folder_ + "/none").error().message, folder_ + "/none: No such file or directory");
    EXPECT_EQ(read_secret_file(folder_).error().message, folder_ + " is a directory");
    EXPECT_EQ(read_secret_file(file("empty", "")).error().code, Code::InvalidInput);
    const std::string path = file("key", "12345");
    EXPECT_TRUE(read_secret_file(path, 5).has_value());
    EXPECT_EQ(read_secret_file(path, 4).error().message, path + " is longer than 4 bytes");
}

TEST_F(SecretIo, WritesANewFileThatOnlyItsOwnerMayRead) {
    const std::string path = folder_ + "/out";
    const mode_t before = umask(0);
    EXPECT_TRUE(write_secret(secret("top"), path, false).has_value());
    umask(before);
    struct stat facts {};
    ASSERT_EQ(stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    EXPECT_EQ(text_of_file(path), "top");
}

TEST_F(SecretIo, TouchesNoFileThatIsThere) {
    const std::string path = file("there", "old");
    EXPECT_EQ(write_secret(secret("new"), path, false).error().code, Code::Conflict);
    EXPECT_EQ(text_of_file(path), "old");
    const std::string link = folder_ + "/link";
    ASSERT_EQ(symlink((folder_ + "/target").c_str(), link.c_str()), 0);
    EXPECT_EQ(write_secret(secret("new"), link, false).error().code, Code::Conflict);
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/target"));
}

TEST_F(SecretIo, SaysWhyItCannotWrite) {
    EXPECT_THAT(write_secret(secret("new"), folder_ + "/none/out", false).error().message, HasSubstr("/none/out: "));
}

}  // namespace
}  // namespace sallyport::cli
