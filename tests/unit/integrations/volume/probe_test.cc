#include "integrations/volume/probe.h"

#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/luks_builder.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

VolumeFacts facts_of(const DevicePath& path) { return probe(File::open(path, File::Access::Read).value()).value(); }

TEST(Probe, CallsZerosBlank) {
    const Scratch scratch;
    EXPECT_EQ(facts_of(scratch.zeros("a", 100 * MiB)).content, Content::Blank);
    EXPECT_EQ(facts_of(scratch.zeros("b", 0)).content, Content::Blank);
}

TEST(Probe, FindsOneByteInTheFirstOrLast32MiB) {
    const Scratch scratch;
    for (const std::uint64_t at : {std::uint64_t{0}, 7 * MiB + 11, 32 * MiB - 1, 68 * MiB, 100 * MiB - 1}) {
        const DevicePath path = scratch.zeros("a", 100 * MiB);
        write_at(path.str(), at, "x");
        const File file = File::open(path, File::Access::Read).value();
        EXPECT_EQ(first_data(file).value(), std::optional(at));
        EXPECT_EQ(probe(file)->content, Content::UnknownData);
        std::filesystem::remove(path.str());
    }
}

TEST(Probe, DoesNotLookAtTheMiddle) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", 100 * MiB);
    write_at(path.str(), 50 * MiB, "x");
    EXPECT_EQ(facts_of(path).content, Content::Blank);
}

TEST(Probe, KnowsAnInterruptedFormat) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", MiB);
    write_at(path.str(), 0, format_marker());
    EXPECT_EQ(facts_of(path).content, Content::InterruptedFormat);
}

TEST(Probe, KnowsFileSystemsPartitionTablesAndSwap) {
    const Scratch scratch;
    const DevicePath ext4 = scratch.zeros("ext4", 8 * MiB);
    ASSERT_TRUE(runs("mkfs.ext4 -q -F " + ext4.str()));
    EXPECT_EQ(facts_of(ext4).content, Content::FileSystem);
    const DevicePath swap = scratch.zeros("swap", 8 * MiB);
    ASSERT_TRUE(runs("mkswap " + swap.str()));
    EXPECT_EQ(facts_of(swap).content, Content::Signature);
    const DevicePath mbr = scratch.zeros("mbr", 8 * MiB);
    // One partition of type Linux, from sector 2048 on, 2048 sectors; the signature at the end of the sector.
    write_at(mbr.str(), 446, std::string_view("\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x08\0\0", 16));
    write_at(mbr.str(), 510, "\x55\xaa");
    EXPECT_EQ(facts_of(mbr).content, Content::PartitionTable);
}

TEST(Probe, PrefersANewerFileSystemToAForgottenSecondaryHeader) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("a", 8 * MiB);
    ASSERT_TRUE(runs("mkfs.ext4 -q -F " + path.str()));
    Bytes device = luks2_device();
    write_at(path.str(), Luks2HeaderSize,
             sallyport::text_of(std::span(device).subspan(Luks2HeaderSize, Luks2HeaderSize)));
    EXPECT_EQ(facts_of(path).content, Content::FileSystem);
}

TEST(Probe, NamesTheDeviceOfADamagedHeader) {
    const Scratch scratch;
    Bytes device = luks2_device();
    device[5000] ^= std::byte{1};
    device[Luks2HeaderSize + 5000] ^= std::byte{1};
    const DevicePath path = scratch.zeros("a", MiB);
    write_at(path.str(), 0, sallyport::text_of(std::span(device)));
    const auto facts = probe(File::open(path, File::Access::Read).value());
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::Corrupt);
    EXPECT_EQ(facts.error().message.find(path.str() + ": the LUKS2 header is damaged"), 0u);
}

}  // namespace
}  // namespace sallyport::volume
