#include "integrations/volume/luks_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/luks_builder.h"
#include "tests/unit/integrations/volume/memory_source.h"

namespace sallyport::volume {
namespace {

Result<std::optional<LuksFacts>> read(const Bytes& device) { return read_luks_header(MemorySource(device)); }

std::string reason(const Bytes& device) {
    const auto facts = read(device);
    if (facts) return *facts ? "a good header" : "no header";
    EXPECT_EQ(facts.error().code, Code::Corrupt);
    return facts.error().message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Luks1Header, IsRead) {
    const LuksFacts facts = *read(luks1_header()).value();
    EXPECT_EQ(facts.version, LuksVersion::Luks1);
    EXPECT_EQ(facts.cipher, "aes-xts-plain64");
    EXPECT_EQ(facts.key_bits, 512u);
    EXPECT_EQ(facts.data_offset, 2u * 1024 * 1024);
    EXPECT_EQ(facts.uuid, "4ef6a0d2-c1aa-4075-8954-516b223a651e");
    ASSERT_EQ(facts.key_slots.size(), 1u);
    EXPECT_EQ(facts.key_slots[0].iterations, 1000u);
    EXPECT_EQ(facts.key_slots[0].hash, "sha256");
}

/// Something is written over a good header, and the reader says what is wrong with it.
struct Damage {
    std::string name;
    std::size_t offset;
    std::size_t size;
    std::uint64_t value;
    std::string said;
};

class DamagedLuks1Header : public testing::TestWithParam<Damage> {};

TEST_P(DamagedLuks1Header, IsRefusedWithTheReason) {
    Bytes device = luks1_header();
    put_number(device, GetParam().offset, GetParam().size, GetParam().value);
    EXPECT_THAT(reason(device), testing::HasSubstr(GetParam().said));
}

std::string name_of_damage(const testing::TestParamInfo<Damage>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Luks1, DamagedLuks1Header,
                         testing::Values(Damage{"KeyOfNoBytes", 108, 4, 0, "impossible"},
                                         Damage{"KeyOfGigabytes", 108, 4, 0x7fffffff, "impossible"},
                                         Damage{"SlotStateUnknown", 208, 4, 7, "key slot 0 is neither"},
                                         Damage{"SlotsOverlap", 208 + 48 + 40, 4, 9, "overlaps"},
                                         Damage{"SlotOverHeader", 208 + 40, 4, 0, "overlaps"},
                                         Damage{"SlotBeyondData", 208 + 48 * 7 + 40, 4, 4000, "reaches beyond"},
                                         Damage{"SlotFarBeyondData", 208 + 48 * 7 + 40, 4, 0xffffffff,
                                                "reaches beyond"},
                                         Damage{"StripesHuge", 208 + 44, 4, 0xffffffff, "stripes"},
                                         Damage{"CipherNotText", 8, 1, 0x1b, "not text"},
                                         Damage{"DataInsideHeader", 104, 4, 16, "reaches beyond"}),
                         name_of_damage);

TEST(Luks1Header, WithoutATerminatedNameIsRefused) {
    Bytes device = luks1_header();
    std::fill_n(device.begin() + 8, 32, std::byte{'a'});
    EXPECT_THAT(reason(device), testing::HasSubstr("not terminated"));
}

TEST(Luks1Header, CutOffAnywhereIsNoHeaderAndNoCrash) {
    const Bytes whole = luks1_header();
    for (std::size_t size = 0; size < 592; ++size) {
        EXPECT_EQ(reason(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), "no header");
    }
}

TEST(Luks2Header, IsRead) {
    const LuksFacts facts = *read(luks2_device()).value();
    EXPECT_EQ(facts.version, LuksVersion::Luks2);
    EXPECT_EQ(facts.cipher, "aes-xts-plain64");
    EXPECT_EQ(facts.key_bits, 512u);
    EXPECT_EQ(facts.sector_size, 512u);
    EXPECT_EQ(facts.data_offset, 16u * 1024 * 1024);
    ASSERT_EQ(facts.header_copies.size(), 2u);
    EXPECT_EQ(facts.header_copies[0].state, HeaderCopyState::Good);
    EXPECT_EQ(facts.header_copies[1].state, HeaderCopyState::Good);
}

TEST(Luks2Header, IsReadFromTheNewerCopy) {
    Bytes device = luks2_device();
    put_luks2_copy(device, Luks2HeaderSize, replaced(luks2_json(), "\"sector_size\":512", "\"sector_size\":4096"), 2);
    EXPECT_EQ((*read(device).value()).sector_size, 4096u);
}

TEST(Luks2Header, IsReadFromTheSecondaryIfThePrimaryIsDamaged) {
    Bytes device = luks2_device();
    device[5000] ^= std::byte{1};
    const LuksFacts facts = *read(device).value();
    EXPECT_EQ(facts.header_copies[0].state, HeaderCopyState::Damaged);
    EXPECT_THAT(facts.header_copies[0].reason, testing::HasSubstr("checksum"));
    EXPECT_EQ(facts.header_copies[1].state, HeaderCopyState::Good);
}

TEST(Luks2Header, SaysThatItsSecondaryIsDamaged) {
    Bytes device = luks2_device();
    device[Luks2HeaderSize + 5000] ^= std::byte{1};
    EXPECT_EQ((*read(device).value()).header_copies[1].state, HeaderCopyState::Damaged);
}

TEST(Luks2Header, WithBothCopiesDamagedNamesTheReasons) {
    Bytes device = luks2_device();
    device[5000] ^= std::byte{1};
    device[Luks2HeaderSize + 5000] ^= std::byte{1};
    EXPECT_EQ(
        reason(device),
        "the LUKS2 header is damaged (primary: its checksum does not match; secondary: its checksum does not match)");
}

class DamagedLuks2Header : public testing::TestWithParam<Damage> {};

/// Both copies are damaged in the same way, and their checksums made right again.
TEST_P(DamagedLuks2Header, IsRefusedWithTheReason) {
    Bytes device = luks2_device();
    for (const std::size_t copy : {std::size_t{0}, Luks2HeaderSize}) {
        put_number(device, copy + GetParam().offset, GetParam().size, GetParam().value);
        seal_luks2(device, copy);
    }
    EXPECT_THAT(reason(device), testing::HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(Luks2, DamagedLuks2Header,
                         testing::Values(Damage{"Version", 6, 2, 3, "unknown version"},
                                         Damage{"SizeZero", 8, 8, 0, "impossible"},
                                         Damage{"SizeHuge", 8, 8, UINT64_MAX, "impossible"},
                                         Damage{"SizeOdd", 8, 8, 16385, "impossible"},
                                         Damage{"SizeBeyondDevice", 8, 8, 0x400000, "cut off"},
                                         Damage{"WrongPlace", 256, 8, 4096, "another place"},
                                         Damage{"ChecksumKind", 72, 8, 0x666f6f0000000000, "unknown kind"},
                                         Damage{"JsonCut", 4096 + 40, 1, 0, "JSON cannot be read"}),
                         name_of_damage);

/// The same for the JSON: a text of it replaced.
struct JsonDamage {
    std::string name, from, to, said;
};

class DamagedLuks2Json : public testing::TestWithParam<JsonDamage> {};

TEST_P(DamagedLuks2Json, IsRefusedWithTheReason) {
    const Bytes device = luks2_device(replaced(luks2_json(), GetParam().from, GetParam().to));
    EXPECT_THAT(reason(device), testing::HasSubstr(GetParam().said));
}

std::string name_of_json_damage(const testing::TestParamInfo<JsonDamage>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Luks2, DamagedLuks2Json,
    testing::Values(
        JsonDamage{"NoObject", "{\"keyslots\"", "[{\"keyslots\"", "JSON"},
        JsonDamage{"NoKeyslots", "\"keyslots\":{\"0\"", "\"keyslotz\":{\"0\"", "no object \"keyslots\""},
        JsonDamage{"SlotNumber", "\"keyslots\":{\"0\"", "\"keyslots\":{\"32\"", "impossible number"},
        JsonDamage{"SlotNotObject", "{\"0\":{\"type\":\"luks2\"", "{\"1\":7,\"0\":{\"type\":\"luks2\"", "no object"},
        JsonDamage{"KeySizeZero", "\"key_size\":64,\"af\"", "\"key_size\":0,\"af\"", "key size"},
        JsonDamage{"KeySizeNegative", "\"key_size\":64,\"af\"", "\"key_size\":-1,\"af\"", "out of range"},
        JsonDamage{"KeySizeText", "\"key_size\":64,\"af\"", "\"key_size\":\"64\",\"af\"", "no number"},
        JsonDamage{"AreaOverHeader", "\"offset\":\"32768\"", "\"offset\":\"16384\"", "overlaps"},
        JsonDamage{"AreaBeyond", "\"size\":\"258048\"", "\"size\":\"18446744073709551615\"", "reaches beyond"},
        JsonDamage{"AreaOffsetWraps", "\"offset\":\"32768\"", "\"offset\":\"18446744073709551615\"", "reaches beyond"},
        JsonDamage{"AreaOffsetTooLong", "\"offset\":\"32768\"", "\"offset\":\"99999999999999999999\"", "bad number"},
        JsonDamage{"AreaOffsetNegative", "\"offset\":\"32768\"", "\"offset\":\"-1\"", "bad number"},
        JsonDamage{"SegmentOverHeader", "\"offset\":\"16777216\"", "\"offset\":\"65536\"", "overlaps the header"},
        JsonDamage{"SegmentUnaligned", "\"offset\":\"16777216\"", "\"offset\":\"16777217\"", "sector"},
        JsonDamage{"SectorSize", "\"sector_size\":512", "\"sector_size\":513", "sector size"},
        JsonDamage{"NotEncrypted", "\"type\":\"crypt\"", "\"type\":\"linear\"", "no segment is encrypted"},
        JsonDamage{"JsonSize", "\"json_size\":\"12288\"", "\"json_size\":\"4096\"", "json_size"},
        JsonDamage{"KeyslotsSizeHuge", "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"18446744073709551615\"",
                   "keyslots_size"},
        JsonDamage{"IterationsHuge", "\"iterations\":1000,\"salt\"", "\"iterations\":99999999999,\"salt\"",
                   "out of range"},
        JsonDamage{"CipherNotText", "\"encryption\":\"aes-xts-plain64\",\"sector_size\"",
                   "\"encryption\":\"aes\\u001b\",\"sector_size\"", "not text"}),
    name_of_json_damage);

TEST(Luks2Header, WhoseSlotsOverlapIsRefused) {
    const std::string slot =
        R"("1":{"type":"luks2","key_size":64,"area":{"type":"raw","offset":"36864","size":"4096"},"kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000}},)";
    EXPECT_THAT(reason(luks2_device(
                    replaced(luks2_json(), "{\"0\":{\"type\":\"luks2\"", "{" + slot + "\"0\":{\"type\":\"luks2\""))),
                testing::HasSubstr("overlaps key slot 0"));
}

TEST(Luks2Header, WithDeeplyNestedJsonIsRefused) {
    EXPECT_THAT(reason(luks2_device(std::string(10000, '['))), testing::HasSubstr("JSON cannot be read"));
}

TEST(Luks2Header, WithUnterminatedJsonIsRefused) {
    EXPECT_THAT(reason(luks2_device(std::string(Luks2HeaderSize - 4096, ' '))), testing::HasSubstr("not terminated"));
}

TEST(Luks2Header, CutOffAnywhereIsRefusedWithoutACrash) {
    const Bytes whole = luks2_device();
    for (std::size_t size = 0; size < Luks2HeaderSize; size += 61) {
        const std::string said = reason(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        EXPECT_TRUE(said == "no header" || said.find("cut off") != std::string::npos) << size << said;
    }
}

TEST(LuksHeader, OfNothingIsNone) {
    EXPECT_EQ(reason(Bytes()), "no header");
    EXPECT_EQ(reason(Bytes(1 << 20)), "no header");
}

TEST(StrengthOf, CountsTheTwoKeysOfXts) {
    EXPECT_EQ(strength_of("aes-xts-plain64", 256), "AES-128-XTS");
    EXPECT_EQ(strength_of("aes-xts-plain64", 512), "AES-256-XTS");
    EXPECT_EQ(strength_of("aes-cbc-essiv:sha256", 256), "AES-256-CBC");
    EXPECT_EQ(strength_of("serpent-xts-plain", 512), "SERPENT-256-XTS");
    EXPECT_EQ(strength_of("capi:xts(aes)-plain64", 512), "");
    EXPECT_EQ(strength_of("", 512), "");
}

}  // namespace
}  // namespace sallyport::volume
