#include "keymanager/store/kek_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "keymanager/base/bytes.h"
#include "tests/unit/keymanager/store/kek_files.h"

namespace sallyport::store {
namespace {

const std::string Key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

/// The error, which always names the file.
Error error_of(const std::string& path) {
    const auto key = read_kek_file(path);
    if (key) return {Code::Internal, "it was read", {}};
    EXPECT_NE(key.error().message.find(path), std::string::npos) << key.error().message;
    EXPECT_EQ(key.error().message.find(Key.substr(0, 20)), std::string::npos);
    return key.error();
}

TEST(KekFile, IsReadWithOrWithoutItsLineEnd) {
    const KekFiles files;
    for (const char* end : {"", "\n", "\r\n"}) {
        const auto key = read_kek_file(files.write("kek", Key + end));
        ASSERT_TRUE(key);
        EXPECT_EQ(text_of(key->text()->reveal()), Key);
    }
    EXPECT_TRUE(read_kek_file(files.write("only-read", Key, 0400)));
}

TEST(KekFile, ThatOthersMayReadOrChangeIsRefused) {
    const KekFiles files;
    for (const mode_t mode : {0644, 0640, 0604, 0660, 0700, 0500, 0620, 04600}) {
        const Error error = error_of(files.write("kek", Key, mode));
        EXPECT_EQ(error.code, Code::Refused) << std::oct << mode;
        EXPECT_NE(error.message.find("0400"), std::string::npos) << "the message says what to do";
    }
}

TEST(KekFile, OfAnotherLengthOrAlphabetIsInvalid) {
    const KekFiles files;
    for (const std::string& text :
         {std::string(), std::string("\n"), Key.substr(1), Key + "A", Key + "\n\n", " " + Key, Key + "\n" + Key,
          std::string(44, '!'), std::string(44, '\0'), std::string(4096, 'A'), Key.substr(0, 42) + "=="}) {
        EXPECT_EQ(error_of(files.write("kek", text)).code, Code::InvalidInput) << text.size();
    }
}

TEST(KekFile, WithTheKeyThatEverybodyKnowsIsRefused) {
    const KekFiles files;
    const Error error = error_of(files.write("kek", "dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg=\n"));
    EXPECT_EQ(error.code, Code::Refused);
    EXPECT_NE(error.message.find("built in"), std::string::npos);
}

TEST(KekFile, ThatIsASymbolicLinkIsRefused) {
    const KekFiles files;
    const std::string target = files.write("kek", Key);
    ASSERT_EQ(::symlink(target.c_str(), files.path("link").c_str()), 0);
    EXPECT_EQ(error_of(files.path("link")).code, Code::Refused);
}

TEST(KekFile, ThatIsNoRegularFileIsRefusedWithoutWaiting) {
    const KekFiles files;
    ASSERT_EQ(::mkfifo(files.path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(error_of(files.path("fifo")).code, Code::Refused);
    ASSERT_EQ(::mkdir(files.path("folder").c_str(), 0700), 0);
    EXPECT_EQ(error_of(files.path("folder")).code, Code::Refused);
}

TEST(KekFile, ThatIsNotThereIsAnInputError) {
    const KekFiles files;
    EXPECT_EQ(error_of(files.path("missing")).code, Code::Io);
}

TEST(KekFile, LeavesNothingInTheArena) {
    const KekFiles files;
    const std::size_t before = secure_arena_usage().used;
    EXPECT_TRUE(read_kek_file(files.write("kek", Key)));
    EXPECT_FALSE(read_kek_file(files.write("bad", Key + "A")));
    EXPECT_EQ(secure_arena_usage().used, before);
}

TEST(KekSource, ACredentialIsAFileThatTheUnitHandsOver) {
    const KekFiles files;
    files.write("kek", Key, 0400);
    ::setenv("CREDENTIALS_DIRECTORY", files.path("").c_str(), 1);
    EXPECT_TRUE(read_kek("credential:kek"));
    EXPECT_EQ(read_kek("credential:other").error().code, Code::Io);
    EXPECT_EQ(read_kek("credential:../kek").error().code, Code::InvalidInput);
    EXPECT_EQ(read_kek("credential:").error().code, Code::InvalidInput);
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(read_kek("credential:kek").error().code, Code::InvalidInput);
}

TEST(KekSource, AVariableIsReadOnceAndWiped) {
    std::string entry = "SALLYPORT_TEST_KEK=" + Key;
    ::putenv(entry.data());  // the environment now holds this very text
    EXPECT_TRUE(read_kek("env:SALLYPORT_TEST_KEK"));
    EXPECT_EQ(entry.find(Key), std::string::npos);
    EXPECT_EQ(::getenv("SALLYPORT_TEST_KEK"), nullptr);
    EXPECT_EQ(read_kek("env:SALLYPORT_TEST_KEK").error().code, Code::InvalidInput);
    ::setenv("SALLYPORT_TEST_KEK", "short", 1);
    EXPECT_EQ(read_kek("env:SALLYPORT_TEST_KEK").error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::store
