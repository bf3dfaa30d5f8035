#include "integrations/volume/new_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const Scratch& scratch) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(scratch.path(".")), fs::directory_iterator()));
}

TEST(NewFile, AppearsWithItsContentForItsOwnerAlone) {
    const Scratch scratch;
    NewFile file = NewFile::create(scratch.path("a"), false).value();
    ASSERT_TRUE(file.file().write(0, bytes_of("content")));
    EXPECT_FALSE(fs::exists(scratch.path("a")));
    ASSERT_TRUE(file.publish());
    EXPECT_EQ(sallyport::text_of(read_all(scratch.path("a"))), "content");
    struct stat status {};
    ASSERT_EQ(stat(scratch.path("a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(NewFile, LeavesNothingBehindUnlessPublished) {
    const Scratch scratch;
    { NewFile file = NewFile::create(scratch.path("a"), false).value(); }
    EXPECT_EQ(files_in(scratch), 0u);
}

TEST(NewFile, NeverReplacesAFileUnasked) {
    const Scratch scratch;
    NewFile early = NewFile::create(scratch.path("a"), false).value();
    scratch.zeros("a", 3);
    EXPECT_EQ(NewFile::create(scratch.path("a"), false).error().code, Code::Refused);
    EXPECT_EQ(early.publish().error().code, Code::Refused);
    EXPECT_EQ(fs::file_size(scratch.path("a")), 3u);
}

TEST(NewFile, ReplacesAFileInOneStepWhenAsked) {
    const Scratch scratch;
    scratch.zeros("a", 3);
    NewFile file = NewFile::create(scratch.path("a"), true).value();
    ASSERT_TRUE(file.file().write(0, bytes_of("content")));
    EXPECT_EQ(fs::file_size(scratch.path("a")), 3u);
    ASSERT_TRUE(file.publish());
    EXPECT_EQ(sallyport::text_of(read_all(scratch.path("a"))), "content");
    EXPECT_EQ(files_in(scratch), 1u);
}

TEST(NewFile, RemovesWhatAKilledWriterLeft) {
    const Scratch scratch;
    const std::string left = ".a.6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11.part";
    const std::string held = ".a.0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55.part";
    for (const std::string& name : {left, held, std::string(".b.0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55.part"),
                                    std::string(".a.part"), std::string(".a.mine.part")}) {
        scratch.zeros(name, 1);
    }
    const int writer = ::open(scratch.path(held).c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(flock(writer, LOCK_EX), 0);
    ASSERT_TRUE(NewFile::create(scratch.path("a"), false));
    EXPECT_FALSE(fs::exists(scratch.path(left)));
    EXPECT_TRUE(fs::exists(scratch.path(held)));
    EXPECT_EQ(files_in(scratch), 4u);
    ::close(writer);
}

TEST(NewFile, NeedsAFolderAndAName) {
    const Scratch scratch;
    EXPECT_EQ(NewFile::create(scratch.path("none/a"), false).error().code, Code::NotFound);
    EXPECT_EQ(NewFile::create(scratch.path("none/"), false).error().code, Code::InvalidInput);
    fs::create_directory(scratch.path("folder"));
    EXPECT_EQ(NewFile::create(scratch.path("folder"), true).error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::volume
