#include "integrations/volume/header_backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integrations/volume/volume_encryptor.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

class HeaderBackups : public testing::TestWithParam<LuksVersion> {
protected:
    DevicePath formatted(const std::string& name = "disk", std::uint64_t size = 20 * MiB) {
        const DevicePath path = scratch_.zeros(name, size);
        EXPECT_TRUE(make_luks_encryptor()->format(path, passphrase_of(KeyHex), {.version = GetParam()}));
        return path;
    }
    static HeaderBackup backup_of(const DevicePath& path) {
        const File file = *File::open(path, File::Access::Read);
        return *read_header_backup(file, path.str());
    }
    static bool opens(const DevicePath& path) {
        return runs("printf %s " + std::string(KeyHex) + " | cryptsetup open --test-passphrase --key-file=- " +
                    path.str());
    }

    Scratch scratch_;
};

TEST_P(HeaderBackups, HoldWhatIsNeededAndLittleElse) {
    const HeaderBackup backup = backup_of(formatted());
    std::size_t bytes = 0;
    for (const auto& extent : backup.extents) bytes += extent.bytes.size();
    EXPECT_GT(bytes, 250'000u);  // 64 bytes of key in 4000 stripes
    EXPECT_LT(bytes, 320'000u);
}

TEST_P(HeaderBackups, BringAWipedHeaderBack) {
    const DevicePath path = formatted();
    const HeaderBackup backup = backup_of(path);
    write_at(path.str(), 0, std::string(2 * MiB, '\0'));
    ASSERT_FALSE(opens(path));
    File file = *File::open(path, File::Access::Write);
    ASSERT_TRUE(put_header(backup, file));
    EXPECT_TRUE(opens(path));
    EXPECT_EQ(*digest_of(backup_of(path)), *digest_of(backup));
}

TEST_P(HeaderBackups, SurvivePacking) {
    const HeaderBackup backup = backup_of(formatted());
    const Bytes bytes = packed(backup);
    const HeaderBackup again = *unpacked(bytes, "it");
    EXPECT_EQ(again.facts.uuid, backup.facts.uuid);
    EXPECT_EQ(*digest_of(again), *digest_of(backup));
    for (const std::size_t cut : {std::size_t{0}, std::size_t{7}, std::size_t{20}, bytes.size() - 1}) {
        EXPECT_EQ(unpacked(std::span(bytes).first(cut), "it").error().code, Code::Corrupt) << cut;
    }
    for (const std::size_t at : {std::size_t{0}, std::size_t{8}, std::size_t{16}, std::size_t{24}}) {
        Bytes broken = bytes;
        broken[at] ^= std::byte{0x80};
        EXPECT_FALSE(unpacked(broken, "it")) << at;
    }
}

TEST_P(HeaderBackups, AreFilesThatCryptsetupRestores) {
    const DevicePath path = formatted();
    const std::string file = scratch_.path("header");
    ASSERT_TRUE(write_header_file(backup_of(path), file));
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
    write_at(path.str(), 0, std::string(2 * MiB, '\0'));
    ASSERT_TRUE(runs("cryptsetup luksHeaderRestore -q --header-backup-file " + file + " " + path.str()));
    EXPECT_TRUE(opens(path));
    EXPECT_EQ(write_header_file(backup_of(path), file).error().code, Code::Refused);
}

TEST_P(HeaderBackups, AreReadFromCryptsetupsFiles) {
    const DevicePath path = formatted();
    const std::string file = scratch_.path("header");
    ASSERT_TRUE(runs("cryptsetup luksHeaderBackup --header-backup-file " + file + " " + path.str()));
    EXPECT_EQ(*digest_of(backup_of(DevicePath(file))), *digest_of(backup_of(path)));
}

TEST_P(HeaderBackups, ChangeWithEveryKeySlot) {
    const DevicePath path = formatted();
    const std::string before = *digest_of(backup_of(path));
    ASSERT_TRUE(runs("printf %s " + std::string(OtherKeyHex) + " > " + scratch_.path("new") + " && printf %s " +
                     std::string(KeyHex) + " | cryptsetup luksAddKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 " +
                     "--key-file=- " + path.str() + " " + scratch_.path("new")));
    EXPECT_NE(*digest_of(backup_of(path)), before);
}

TEST_P(HeaderBackups, AreNotMadeOfWhatIsNoHeader) {
    const DevicePath blank = scratch_.zeros("blank", MiB);
    const File file = *File::open(blank, File::Access::Read);
    EXPECT_EQ(read_header_backup(file, "it").error().code, Code::InvalidInput);
    const DevicePath path = formatted();
    std::filesystem::resize_file(path.str(), 40'000);
    const File cut = *File::open(path, File::Access::Read);
    EXPECT_EQ(read_header_backup(cut, "it").error().code, Code::Corrupt);
}

INSTANTIATE_TEST_SUITE_P(Both, HeaderBackups, testing::Values(LuksVersion::Luks1, LuksVersion::Luks2),
                         [](const auto& version) { return std::string(text_of(version.param)); });

}  // namespace
}  // namespace sallyport::volume
