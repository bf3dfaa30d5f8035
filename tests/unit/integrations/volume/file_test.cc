#include "integrations/volume/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

Code failure_of(const DevicePath& path, File::Access access) {
    const auto file = File::open(path, access);
    return file ? Code::Internal : file.error().code;
}

TEST(File, ReadsWhatWasWrittenAndStopsAtTheEnd) {
    const Scratch scratch;
    File file = File::open(scratch.zeros("a", 100), File::Access::Write).value();
    ASSERT_TRUE(file.write(95, bytes_of("tail")));
    std::array<std::byte, 16> out{};
    EXPECT_EQ(file.read(95, out).value(), 5u);
    EXPECT_EQ(sallyport::text_of(std::span(out).first(4)), "tail");
    EXPECT_EQ(file.read(200, out).value(), 0u);
}

TEST(File, SaysThatAPathIsMissingAFolderOrNoDisk) {
    const Scratch scratch;
    EXPECT_EQ(failure_of(DevicePath(scratch.path("none")), File::Access::Read), Code::NotFound);
    EXPECT_EQ(failure_of(DevicePath(scratch.path(".")), File::Access::Read), Code::InvalidInput);
    ASSERT_EQ(mkfifo(scratch.path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(failure_of(DevicePath(scratch.path("fifo")), File::Access::Read), Code::InvalidInput);
    EXPECT_EQ(failure_of(DevicePath("/dev/null"), File::Access::Read), Code::InvalidInput);
}

TEST(File, IsNotOpenedExclusivelyWhileAnotherHasItLocked) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", 4096);
    const int other = ::open(path.str().c_str(), O_RDWR);
    ASSERT_EQ(flock(other, LOCK_SH), 0);
    EXPECT_EQ(failure_of(path, File::Access::Exclusive), Code::Conflict);
    ::close(other);
    EXPECT_TRUE(File::open(path, File::Access::Exclusive));
}

TEST(File, IsNotOpenedExclusivelyWhileQemuLocksAByteOfIt) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", 4096);
    const int other = ::open(path.str().c_str(), O_RDWR);
    struct flock range {};
    range.l_type = F_RDLCK;
    range.l_start = 100;
    range.l_len = 1;
    ASSERT_EQ(fcntl(other, F_OFD_SETLK, &range), 0);
    EXPECT_EQ(failure_of(path, File::Access::Exclusive), Code::Conflict);
    ::close(other);
}

TEST(File, FindsTheNextDataOfASparseFile) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", 64 * 1024 * 1024);
    const File empty = File::open(path, File::Access::Read).value();
    EXPECT_EQ(empty.next_data(0), empty.size());
    write_at(path.str(), 32 * 1024 * 1024, "x");
    EXPECT_LE(empty.next_data(0), 32u * 1024 * 1024);
}

TEST(File, InMemoryHasAPathOfItsOwn) {
    File file = File::in_memory(1 << 20).value();
    ASSERT_TRUE(file.write(0, bytes_of("here")));
    const File again = File::open(DevicePath(file.proc_path()), File::Access::Read).value();
    std::array<std::byte, 4> out{};
    EXPECT_EQ(again.read(0, out).value(), 4u);
    EXPECT_EQ(sallyport::text_of(std::span(out)), "here");
}

}  // namespace
}  // namespace sallyport::volume
