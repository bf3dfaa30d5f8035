#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "integrations/volume/image_crypt.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/crypto/digest.h"
#include "tests/unit/integrations/volume/scratch.h"
#include "tests/vectors/vectors.h"

namespace sallyport::volume {
namespace {

namespace json = boost::json;

const json::array& golden_volumes() {
    static const json::value index = [] {
        const Bytes text = read_all(vectors_path("luks/index.json"));
        return json::parse(sallyport::text_of(std::span(text)));
    }();
    return index.at("volumes").as_array();
}

std::string text_at(const json::object& volume, const char* key) {
    const json::value* value = volume.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::string hash_of(std::span<const std::byte> bytes) { return to_hex(crypto::sha256(bytes).value()); }

/// Volumes made by cryptsetup and QEMU; see tests/vectors/luks/README.md.
class GoldenVolume : public testing::TestWithParam<json::object> {
protected:
    void SetUp() override {
        const std::string packed = vectors_path("luks/" + text_at(GetParam(), "file"));
        ASSERT_TRUE(runs("xz -dc '" + packed + "' > '" + image().str() + "'"));
        ASSERT_EQ(hash_of(read_all(image().str())), text_at(GetParam(), "image_sha256"));
    }
    void TearDown() override {
        // Nothing that reads may write, not even to mend a header.
        EXPECT_EQ(hash_of(read_all(image().str())), text_at(GetParam(), "image_sha256"));
    }

    DevicePath image() const { return DevicePath(scratch_.path("disk.img")); }
    Passphrase passphrase(const char* which) const { return passphrase_of(text_at(GetParam(), which)); }
    bool is_luks() const { return GetParam().contains("luks_version"); }
    bool is_qcow2() const { return text_at(GetParam(), "format") == "qcow2"; }

    Scratch scratch_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_P(GoldenVolume, IsInspectedAsItsIndexSays) {
    const auto facts = volumes_->inspect(image());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->luks.has_value(), is_luks() || is_qcow2());
    if (!is_luks()) return;
    const json::object& volume = GetParam();
    const LuksFacts& luks = *facts->luks;
    EXPECT_EQ(static_cast<int>(luks.version), volume.at("luks_version").as_int64());
    EXPECT_EQ(luks.cipher, text_at(volume, "cipher"));
    EXPECT_EQ(luks.key_bits, 4 * text_at(volume, "volume_key_hex").size());
    EXPECT_EQ(luks.sector_size, volume.at("sector_size").as_int64());
    EXPECT_EQ(static_cast<std::int64_t>(luks.data_offset), volume.at("data_offset").as_int64());
    EXPECT_EQ(luks.uuid, text_at(volume, "uuid"));
    EXPECT_FALSE(luks.key_slots.empty());
}

/// Those whose key derivation takes seconds, or minutes under ASan (OpenSSL allocates in each iteration), are opened by
/// the release binary in tests/integration/volume.
class OpenedGoldenVolume : public GoldenVolume {};

TEST_P(OpenedGoldenVolume, IsTestedAsItsIndexSays) {
    if (!is_luks() && !is_qcow2()) {
        EXPECT_EQ(volumes_->test(image(), passphrase_of(KeyHex)).error().code, Code::InvalidInput);
        return;
    }
    const auto slot = volumes_->test(image(), passphrase("key_hex"));
    ASSERT_TRUE(slot) << slot.error().message;
    if (GetParam().contains("key_new_hex")) {
        EXPECT_TRUE(volumes_->test(image(), passphrase("key_new_hex")));
    }
    if (GetParam().contains("key_old_hex")) {
        const auto old = volumes_->test(image(), passphrase("key_old_hex"));
        ASSERT_FALSE(old);
        EXPECT_EQ(old.error().code, Code::WrongKey);
        EXPECT_EQ(old.error().message, "this key opens no key slot of " + image().str() + " (LUKS1, slots 1)");
    }
}

TEST_P(OpenedGoldenVolume, HasThePlainTextThatDmCryptSaw) {
    if (!is_luks()) return;
    const std::string plain = scratch_.path("plain.raw");
    const auto report = decrypt_image(image(), plain, passphrase("key_hex"), {}, {});
    ASSERT_TRUE(report) << report.error().message;
    const Bytes bytes = read_all(plain);
    EXPECT_EQ(hash_of(std::span(bytes).first(16384)), text_at(GetParam(), "plaintext_16k_sha256"));
    if (text_at(GetParam(), "first_mib_sha256").empty()) return;
    EXPECT_EQ(hash_of(std::span(bytes).first(std::min<std::size_t>(bytes.size(), 1 << 20))),
              text_at(GetParam(), "first_mib_sha256"));
}

TEST_P(GoldenVolume, IsNeverFormattedIfItHoldsAnything) {
    const auto formatted = volumes_->format(image(), passphrase_of(KeyHex), {});
    // The image called unformatted-gpt holds nothing but zeros.
    if (text_at(GetParam(), "name") == "unformatted-zeros" || text_at(GetParam(), "name") == "unformatted-gpt") {
        ASSERT_TRUE(formatted) << formatted.error().message;
        EXPECT_TRUE(volumes_->test(image(), passphrase_of(KeyHex)));
        std::filesystem::remove(image().str());
        SetUp();
        return;
    }
    ASSERT_FALSE(formatted);
    EXPECT_EQ(formatted.error().code, Code::Refused) << formatted.error().message;
}

std::vector<json::object> all_golden() {
    std::vector<json::object> all;
    for (const json::value& volume : golden_volumes()) all.push_back(volume.as_object());
    return all;
}

bool is_quick(const json::object& volume) {
    const std::string name = text_at(volume, "name");
    return name != "luks1-256-fixedkey" && name != "luks1-256-rekeyed" && name != "qemu-luks-256-aes256xts" &&
           name != "qemu-luks-128-aes128xts";
}

std::vector<json::object> quick_golden() {
    std::vector<json::object> quick = all_golden();
    std::erase_if(quick, [](const json::object& volume) { return !is_quick(volume); });
    return quick;
}

std::string name_of_volume(const testing::TestParamInfo<json::object>& volume) {
    std::string name = text_at(volume.param, "name");
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Luks, OpenedGoldenVolume, testing::ValuesIn(quick_golden()), name_of_volume);
INSTANTIATE_TEST_SUITE_P(Luks, GoldenVolume, testing::ValuesIn(all_golden()), name_of_volume);

TEST(GoldenVolumes, PlainOneIsReadWithTheHashThatItWasMadeWith) {
    const Scratch scratch;
    const DevicePath image(scratch.path("plain-256"));
    ASSERT_TRUE(runs("xz -dc '" + vectors_path("luks/plain-256.img.xz") + "' > '" + image.str() + "'"));
    const auto volume = std::find_if(golden_volumes().begin(), golden_volumes().end(), [](const json::value& each) {
        return text_at(each.as_object(), "name") == "plain-256";
    });
    ASSERT_NE(volume, golden_volumes().end());
    const Passphrase key = passphrase_of(text_at(volume->as_object(), "key_hex"));
    const std::string wanted = text_at(volume->as_object(), "plaintext_16k_sha256");
    const auto start_of = [&](const char* hash) {
        const std::string plain = scratch.path("plain.raw");
        const ImageCryptOptions options{
            .replace = true, .plain = PlainOptions{.hash = hash, .cipher = "aes-xts-plain64", .key_bits = 256}};
        EXPECT_TRUE(decrypt_image(image, plain, key, {}, options));
        const Bytes bytes = read_all(plain);
        return hash_of(std::span(bytes).first(16384));
    };
    EXPECT_EQ(start_of("ripemd160"), wanted);
    EXPECT_NE(start_of("sha256"), wanted);
}

TEST(GoldenVolumes, OfLuksAreNeverReadAsPlainOnes) {
    const Scratch scratch;
    const DevicePath image(scratch.path("luks"));
    for (const char* name : {"luks2-512-pbkdf2-s512", "luks2-primary-zeroed", "unformatted-ext4"}) {
        ASSERT_TRUE(
            runs("xz -dc '" + vectors_path("luks/" + std::string(name) + ".img.xz") + "' > '" + image.str() + "'"));
        const auto report = decrypt_image(image, scratch.path("plain.raw"), passphrase_of(KeyHex), {},
                                          {.plain = PlainOptions{"sha256", "aes-xts-plain64", 256, 0}});
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().code, Code::Refused);
    }
}

TEST(GoldenVolumes, AreNamedForWhatTheyHold) {
    const Scratch scratch;
    const auto volumes = make_luks_encryptor();
    const auto content = [&](const std::string& name) {
        EXPECT_TRUE(runs("xz -dc '" + vectors_path("luks/" + name) + ".img.xz' > '" + scratch.path(name) + "'"));
        return volumes->inspect(DevicePath(scratch.path(name))).value();
    };
    EXPECT_EQ(content("unformatted-zeros").content, Content::Blank);
    EXPECT_EQ(content("unformatted-ext4").content, Content::FileSystem);
    EXPECT_EQ(content("unformatted-ext4").what, "ext4");
    EXPECT_EQ(content("luks1-header-zeroed").content, Content::UnknownData);
    EXPECT_EQ(content("luks2-both-zeroed").content, Content::UnknownData);
    EXPECT_EQ(content("plain-256").content, Content::UnknownData);
    EXPECT_EQ(content("qemu-qcow2-luks-128").content, Content::DiskImage);

    const VolumeFacts damaged = content("luks2-primary-zeroed");
    ASSERT_EQ(damaged.content, Content::Luks);
    ASSERT_EQ(damaged.luks->header_copies.size(), 2u);
    EXPECT_EQ(damaged.luks->header_copies[0].state, HeaderCopyState::Absent);
    EXPECT_EQ(damaged.luks->header_copies[1].state, HeaderCopyState::Good);

    const VolumeFacts rotating = content("luks2-512-midrotation");
    ASSERT_EQ(rotating.luks->key_slots.size(), 2u);
    EXPECT_EQ(rotating.luks->key_slots[1].number, 1);
    const VolumeFacts argon = content("luks2-512-argon2id-s4096");
    EXPECT_EQ(argon.luks->key_slots[0].kdf, "argon2id");
    EXPECT_EQ(argon.luks->key_slots[0].memory_kib, 65536u);
}

}  // namespace
}  // namespace sallyport::volume
