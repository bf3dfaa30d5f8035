#include "integrations/volume/image_crypt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

class ImageCrypt : public testing::Test {
protected:
    /// A raw image with data, holes and data.
    DevicePath raw_image(std::uint64_t size) {
        const DevicePath path = scratch_.zeros("plain.raw", size);
        std::mt19937_64 numbers(42);
        std::string text(std::min<std::uint64_t>(size, 3 * MiB), '\0');
        for (char& c : text) c = static_cast<char>(numbers());
        write_at(path.str(), 0, text);
        write_at(path.str(), size - 5, "tail!");
        return path;
    }
    Result<ImageCryptReport> encrypt(const DevicePath& source, const FormatOptions& format) {
        return encrypt_image(source, image_, passphrase_of(KeyHex), format, {});
    }

    static std::uint64_t allocated(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(stat(path.c_str(), &status), 0);
        return static_cast<std::uint64_t>(status.st_blocks) * 512;
    }

    static constexpr std::uint64_t LargestHeader = 16 * MiB;
    Scratch scratch_;
    const std::string image_ = scratch_.path("disk.luks");
    const std::string back_ = scratch_.path("back.raw");
};

TEST_F(ImageCrypt, GivesBackWhatItWasGiven) {
    const DevicePath source = raw_image(21 * MiB);
    for (const LuksVersion version : {LuksVersion::Luks1, LuksVersion::Luks2}) {
        const auto report = encrypt(source, {.version = version});
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(report->source_bytes, 21 * MiB);
        EXPECT_TRUE(make_luks_encryptor()->test(DevicePath(image_), passphrase_of(KeyHex)));
        ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
        EXPECT_TRUE(same_bytes(back_, source.str()));
        std::filesystem::remove(image_);
        std::filesystem::remove(back_);
    }
}

TEST_F(ImageCrypt, TakesSmallImagesToo) {
    for (const std::uint64_t size : {std::uint64_t{512}, MiB - 512, MiB}) {
        const DevicePath source = scratch_.zeros("small.raw", size);
        write_at(source.str(), size - 5, "tail!");
        ASSERT_TRUE(encrypt(source, {}));
        EXPECT_TRUE(make_luks_encryptor()->test(DevicePath(image_), passphrase_of(KeyHex)));
        ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
        EXPECT_TRUE(same_bytes(back_, source.str())) << size;
        for (const std::string& path : {source.str(), image_, back_}) std::filesystem::remove(path);
    }
}

TEST_F(ImageCrypt, KeepsSectorsOf4096Bytes) {
    const DevicePath source = raw_image(2 * MiB);
    ASSERT_TRUE(encrypt(source, {.sector_size = 4096}));
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
    EXPECT_TRUE(same_bytes(back_, source.str()));
}

TEST_F(ImageCrypt, WritesWhatQemuReads) {
    const DevicePath source = raw_image(5 * MiB);
    ASSERT_TRUE(encrypt(source, {.version = LuksVersion::Luks1}));
    std::ofstream(scratch_.path("secret")) << KeyHex;
    ASSERT_TRUE(runs("qemu-img convert --object secret,id=s,file=" + scratch_.path("secret") +
                     " --image-opts driver=luks,key-secret=s,file.filename=" + image_ + " -O raw " + back_));
    EXPECT_TRUE(same_bytes(back_, source.str()));
}

TEST_F(ImageCrypt, PadsTheSourceToAWholeSector) {
    const DevicePath source = raw_image(MiB + 100);
    ASSERT_TRUE(encrypt(source, {}));
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
    EXPECT_EQ(std::filesystem::file_size(back_), MiB + 512);
    EXPECT_TRUE(runs("cmp -n 1048676 " + back_ + " " + source.str()));
}

TEST_F(ImageCrypt, LeavesHolesOnlyWhenAskedTo) {
    const DevicePath source = raw_image(21 * MiB);
    ASSERT_TRUE(encrypt(source, {}));
    EXPECT_GE(allocated(image_), 21 * MiB);
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
    EXPECT_GE(allocated(back_), 21 * MiB);
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {.replace = true, .sparse = true}));
    EXPECT_LT(allocated(back_), 10 * MiB);
    EXPECT_TRUE(same_bytes(back_, source.str()));
}

TEST_F(ImageCrypt, KeepsTheHolesOfTheSourceWhenAskedTo) {
    const DevicePath source = raw_image(21 * MiB);
    ASSERT_TRUE(encrypt_image(source, image_, passphrase_of(KeyHex), {}, {.sparse = true}));
    EXPECT_LT(allocated(image_), (3 + 1) * MiB + LargestHeader);
    EXPECT_EQ(std::filesystem::file_size(image_), 21 * MiB + LargestHeader);
    // The data is there; a hole is noise to whoever reads it as a volume, and a hole again to who asks for that.
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {}));
    EXPECT_FALSE(same_bytes(back_, source.str()));
    EXPECT_TRUE(runs("cmp -n 3145728 " + back_ + " " + source.str()));
    ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {.replace = true, .sparse = true}));
    EXPECT_TRUE(same_bytes(back_, source.str()));
}

TEST_F(ImageCrypt, PutsTheHeaderIntoAFileOfItsOwn) {
    const DevicePath source = raw_image(5 * MiB), header(scratch_.path("header"));
    for (const LuksVersion version : {LuksVersion::Luks1, LuksVersion::Luks2}) {
        const auto report =
            encrypt_image(source, image_, passphrase_of(KeyHex), {.version = version}, {.header = header});
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(std::filesystem::file_size(image_), 5 * MiB);
        EXPECT_TRUE(runs("printf %s " + std::string(KeyHex) + " | cryptsetup open --test-passphrase --key-file - " +
                         header.str()));
        EXPECT_EQ(make_luks_encryptor()->test(header, passphrase_of(KeyHex)).value(), 0);
        ASSERT_TRUE(decrypt_image(DevicePath(image_), back_, passphrase_of(KeyHex), {}, {.header = header}));
        EXPECT_TRUE(same_bytes(back_, source.str()));
        // The old header is the only way to what it belongs to.
        EXPECT_EQ(
            encrypt_image(source, image_, passphrase_of(KeyHex), {}, {.replace = true, .header = header}).error().code,
            Code::Refused);
        EXPECT_EQ(decrypt_image(header, back_, passphrase_of(KeyHex), {}, {.replace = true}).error().code,
                  Code::InvalidInput);
        for (const std::string& path : {image_, back_, header.str()}) std::filesystem::remove(path);
    }
}

TEST_F(ImageCrypt, TellsHowFarItIs) {
    std::uint64_t last = 0, whole = 0;
    const ImageCryptOptions options{.progress = [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_GT(done, last);
        last = done;
        whole = total;
    }};
    ASSERT_TRUE(encrypt_image(raw_image(21 * MiB), image_, passphrase_of(KeyHex), {}, options));
    EXPECT_EQ(last, 21 * MiB);
    EXPECT_EQ(whole, 21 * MiB);
}

TEST_F(ImageCrypt, NeverReplacesADestinationUnasked) {
    const DevicePath source = raw_image(MiB);
    std::ofstream(image_) << "precious";
    EXPECT_EQ(encrypt(source, {}).error().code, Code::Refused);
    EXPECT_EQ(std::filesystem::file_size(image_), 8u);
    ASSERT_TRUE(encrypt_image(source, image_, passphrase_of(KeyHex), {}, {.replace = true}));
    EXPECT_GT(std::filesystem::file_size(image_), MiB);
}

TEST_F(ImageCrypt, WithTheWrongKeyWritesNothing) {
    ASSERT_TRUE(encrypt(raw_image(MiB), {}));
    const auto report = decrypt_image(DevicePath(image_), back_, passphrase_of(OtherKeyHex), {}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::WrongKey);
    EXPECT_FALSE(std::filesystem::exists(back_));
}

TEST_F(ImageCrypt, DoesNotEncryptTwiceNorOtherFormats) {
    ASSERT_TRUE(encrypt(raw_image(MiB), {}));
    const std::string twice = scratch_.path("twice");
    EXPECT_EQ(encrypt_image(DevicePath(image_), twice, passphrase_of(KeyHex), {}, {}).error().code, Code::Refused);
    ASSERT_TRUE(runs("qemu-img create -f qcow2 " + scratch_.path("disk.qcow2") + " 1M"));
    const auto qcow2 = encrypt_image(DevicePath(scratch_.path("disk.qcow2")), twice, passphrase_of(KeyHex), {}, {});
    ASSERT_FALSE(qcow2);
    EXPECT_THAT(qcow2.error().message, testing::HasSubstr("qcow2 image: convert it to raw first"));
    EXPECT_FALSE(std::filesystem::exists(twice));
}

TEST_F(ImageCrypt, DoesNotDecryptWhatIsNotEncrypted) {
    const auto report = decrypt_image(raw_image(MiB), back_, passphrase_of(KeyHex), {}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::InvalidInput);
    EXPECT_EQ(encrypt(scratch_.zeros("empty", 0), {}).error().code, Code::InvalidInput);
    EXPECT_EQ(encrypt(DevicePath(scratch_.path("none")), {}).error().code, Code::NotFound);
}

TEST_F(ImageCrypt, SaysBeforehandThatTheDiskIsTooSmall) {
    // 8 TiB, sparse: more than the disk of a test machine holds.
    const DevicePath huge = scratch_.zeros("huge", 0);
    std::error_code failed;
    std::filesystem::resize_file(huge.str(), std::uint64_t{1} << 43, failed);
    ASSERT_FALSE(failed);
    const auto report = encrypt(huge, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::Io);
    EXPECT_FALSE(std::filesystem::exists(image_));
}

}  // namespace
}  // namespace sallyport::volume
