#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "integrations/volume/image_crypt.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/unit/integrations/volume/luks_builder.h"
#include "tests/unit/integrations/volume/scratch.h"

// Headers that are wrong in one way each, made by generators: every number, text and JSON value of LUKS1 and LUKS2 in
// turn. They go through all that reads a header, libcryptsetup included. What is said of each: nothing crashes (the
// sanitizers watch), nothing opens, nothing is formatted, the file is not written to, and a header whose parts
// contradict each other is called damaged.

namespace sallyport::volume {
namespace {

namespace json = boost::json;

constexpr std::uint64_t DeviceSize = 18 * 1024 * 1024;
constexpr std::array<std::uint64_t, 12> OddNumbers{
    0, 1, 2, 7, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8, 0x00AC71F3, 0x0000DEAD, 0x01000000};

/// The code that `inspect` has to give; nothing: the header may be taken as it is (the field is free), or refused.
struct Broken {
    std::string name;
    Bytes header;
    bool must_be_refused = false;
};

class MalformedHeaders : public testing::Test {
protected:
    void check(const Broken& broken) {
        SCOPED_TRACE(broken.name);
        const DevicePath device = scratch_.zeros("disk", DeviceSize);
        write_at(device.str(), 0, sallyport::text_of(std::span(broken.header)));
        const Bytes before = start_of(device);
        const auto facts = volumes_->inspect(device);
        if (!facts)
            EXPECT_EQ(facts.error().code, Code::Corrupt) << facts.error().message;
        else if (facts->luks)
            refused_or_sane(broken, *facts->luks);
        if (const auto opened = volumes_->test(device, passphrase_of(KeyHex)); opened) ADD_FAILURE() << "it opens";
        EXPECT_FALSE(decrypt_image(device, scratch_.path("plain"), passphrase_of(KeyHex), Limits, {}));
        const auto formatted = volumes_->format(device, passphrase_of(KeyHex), {});
        ASSERT_FALSE(formatted);
        EXPECT_EQ(formatted.error().code, Code::Refused) << formatted.error().message;
        EXPECT_EQ(start_of(device), before) << "it was written to";
        ++checked_;
    }

    static void refused_or_sane(const Broken& broken, const LuksFacts& luks) {
        EXPECT_FALSE(broken.must_be_refused) << "it was taken";
        EXPECT_LE(luks.key_bits, 4096u);
        EXPECT_TRUE(luks.data_offset == 0 || luks.data_offset >= 4096);
        EXPECT_TRUE(luks.sector_size >= 512 && luks.sector_size <= 4096);
    }

    static Bytes start_of(const DevicePath& device) {
        Bytes bytes(256 * 1024);
        std::ifstream in(device.str(), std::ios::binary);
        in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return bytes;
    }

    static constexpr LuksLimits Limits{.memory_kib = 1024, .iterations = 2000, .passes = 4};
    Scratch scratch_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor(Limits);
    int checked_ = 0;
};

// ---------------------------------------------------------------------------------------------------------- LUKS1

TEST_F(MalformedHeaders, OfLuks1WithOneOddNumber) {
    // On-Disk Format Specification 1.2.3, section 2: version, payload offset, key bytes, iterations; then key slot 0
    // and key slot 7: state, iterations, offset, stripes.
    const std::map<std::size_t, std::size_t> fields{{6, 2},   {104, 4}, {108, 4}, {164, 4}, {208, 4}, {212, 4},
                                                    {248, 4}, {252, 4}, {544, 4}, {548, 4}, {584, 4}, {588, 4}};
    for (const auto& [offset, size] : fields) {
        for (const std::uint64_t number : OddNumbers) {
            Broken broken{"byte " + std::to_string(offset) + " = " + std::to_string(number), luks1_header()};
            put_number(broken.header, offset, size, number);
            check(broken);
        }
    }
    EXPECT_EQ(checked_, 144);
}

TEST_F(MalformedHeaders, OfLuks1WithTextThatDoesNotEnd) {
    const std::map<std::size_t, std::size_t> fields{{8, 32}, {40, 32}, {72, 32}, {168, 40}};
    for (const auto& [offset, size] : fields) {
        for (const char filler : {'A', '\xff', '\n'}) {
            Broken broken{"text at " + std::to_string(offset), luks1_header(), true};
            put_text(broken.header, offset, std::string(size, filler));
            check(broken);
        }
    }
}

TEST_F(MalformedHeaders, OfLuks1WhoseKeySlotsOverlap) {
    const auto slot_offset = [](std::size_t slot) { return 208 + 48 * slot + 40; };
    for (std::size_t a = 0; a < 8; ++a) {
        for (std::size_t b = 0; b < 8; ++b) {
            if (a == b) continue;
            Broken broken{"slot " + std::to_string(b) + " on slot " + std::to_string(a), luks1_header(), true};
            put_number(broken.header, slot_offset(b), 4, 8 + 504 * a);
            check(broken);
        }
    }
    for (const std::uint64_t sector : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3600}, std::uint64_t{4096}}) {
        Broken broken{"slot 7 at sector " + std::to_string(sector), luks1_header(), true};
        put_number(broken.header, slot_offset(7), 4, sector);
        check(broken);
    }
}

TEST_F(MalformedHeaders, OfLuks1ThatAreCutOff) {
    for (const std::size_t size : {8u, 208u, 500u, 591u}) {
        Bytes header = luks1_header();
        std::fill(header.begin() + static_cast<std::ptrdiff_t>(size), header.end(), std::byte{0xff});
        check({"cut off at " + std::to_string(size), header, true});
    }
}

// ---------------------------------------------------------------------------------------------------------- LUKS2

/// Both copies of a header, changed in the same way; `sealed`: with checksums that are right again.
Bytes changed_luks2(const std::function<void(Bytes&, std::size_t)>& change, bool sealed) {
    Bytes device = luks2_device();
    for (const std::size_t copy : {std::size_t{0}, Luks2HeaderSize}) {
        change(device, copy);
        if (sealed) seal_luks2(device, copy);
    }
    return device;
}

TEST_F(MalformedHeaders, OfLuks2WithAWrongChecksum) {
    // One bit of each part: magic's neighbours, sequence, label, salt, uuid, the checksum itself, the JSON.
    for (const std::size_t offset : {6u, 8u, 16u, 24u, 72u, 104u, 168u, 256u, 448u, 511u, 4096u, 5000u, 16383u}) {
        const auto flip = [&](Bytes& device, std::size_t copy) { device[copy + offset] ^= std::byte{1}; };
        check({"a bit at " + std::to_string(offset), changed_luks2(flip, false), true});
    }
}

TEST_F(MalformedHeaders, OfLuks2WithOneOddNumber) {
    // Specification 1.1.1, section 2.1: version, header size, sequence number, header offset.
    const std::map<std::size_t, std::size_t> fields{{6, 2}, {8, 8}, {16, 8}, {256, 8}};
    for (const auto& [offset, size] : fields) {
        for (std::uint64_t number : OddNumbers) {
            for (const bool high : {false, true}) {
                if (high) number <<= 32;
                const auto change = [&, at = offset, bytes = size](Bytes& device, std::size_t copy) {
                    put_number(device, copy + at, bytes, number);
                };
                check({"byte " + std::to_string(offset) + " = " + std::to_string(number), changed_luks2(change, true)});
            }
        }
    }
}

TEST_F(MalformedHeaders, OfLuks2WithAHeaderOfAnotherSize) {
    for (const std::uint64_t size : {std::uint64_t{0x2000}, std::uint64_t{0x8000}, std::uint64_t{0x400000},
                                     std::uint64_t{0x800000}, std::uint64_t{0x4001}, UINT64_MAX}) {
        const auto change = [&](Bytes& device, std::size_t copy) { put_number(device, copy + 8, 8, size); };
        check({"header size " + std::to_string(size), changed_luks2(change, true), true});
    }
}

Bytes with_json(const std::string& text) { return luks2_device(text); }

/// Calls `visit` for each place of a JSON document with a setter: it puts another value there (or, given none, removes
/// the member), and gives the whole document as text.
using Setter = std::function<std::string(const json::value*)>;
void for_each_place(const json::value& whole, const std::function<void(const std::string&, const Setter&)>& visit) {
    const std::function<void(const std::string&)> walk = [&](const std::string& pointer) {
        if (!pointer.empty()) {
            visit(pointer, [&](const json::value* value) {
                json::value copy = whole;
                const std::size_t slash = pointer.rfind('/');
                json::value& parent = copy.at_pointer(pointer.substr(0, slash));
                const std::string name = pointer.substr(slash + 1);
                if (value != nullptr)
                    copy.at_pointer(pointer) = *value;
                else if (parent.is_object())
                    parent.get_object().erase(name);
                else
                    parent.get_array().erase(parent.get_array().begin() + std::stoi(name));
                return json::serialize(copy);
            });
        }
        const json::value& here = pointer.empty() ? whole : whole.at_pointer(pointer);
        if (here.is_object()) {
            for (const auto& member : here.get_object()) walk(pointer + "/" + std::string(member.key()));
        } else if (here.is_array()) {
            for (std::size_t i = 0; i < here.get_array().size(); ++i) walk(pointer + "/" + std::to_string(i));
        }
    };
    walk("");
}

TEST_F(MalformedHeaders, OfLuks2WithOneJsonValueOfAnotherKind) {
    const json::value good = json::parse(luks2_json());
    const std::vector<json::value> others{nullptr,
                                          true,
                                          -1,
                                          0,
                                          4294967296,
                                          1e300,
                                          "",
                                          "-1",
                                          "0x10",
                                          "18446744073709551616",
                                          "18446744073709551615",
                                          "\x01\x7f",
                                          json::array{},
                                          json::object{},
                                          json::array{json::array{json::object{}}}};
    for_each_place(good, [&](const std::string& pointer, const Setter& set) {
        check({"without " + pointer, with_json(set(nullptr))});
        for (const json::value& other : others)
            check({pointer + " = " + json::serialize(other), with_json(set(&other))});
    });
    EXPECT_GT(checked_, 600);
}

TEST_F(MalformedHeaders, OfLuks2WhoseAreasOverlapOrLeaveTheHeader) {
    const json::value good = json::parse(luks2_json());
    const auto with = [&](const std::map<std::string, std::string>& changes, bool second_slot) {
        json::value changed = good;
        if (second_slot) changed.at("keyslots").as_object()["1"] = changed.at("keyslots").at("0");
        for (const auto& [pointer, text] : changes) changed.at_pointer(pointer) = text;
        return with_json(json::serialize(changed));
    };
    const std::string area = "/keyslots/0/area/", second = "/keyslots/1/area/";
    check({"two slots in one area", with({}, true), true});
    check({"a slot that begins within another", with({{second + "offset", "36864"}}, true), true});
    check({"a slot on the header", with({{area + "offset", "0"}}, false), true});
    check({"a slot on the secondary header", with({{area + "offset", "16384"}}, false), true});
    check({"a slot beyond the key slots", with({{area + "offset", "16777216"}}, false), true});
    check({"a slot that reaches beyond them", with({{area + "size", "16777216"}}, false), true});
    check({"a slot whose end is beyond 2^64", with({{area + "size", "18446744073709551615"}}, false), true});
    check({"data on the key slots", with({{"/segments/0/offset", "32768"}}, false), true});
    check({"data between two sectors", with({{"/segments/0/offset", "16777217"}}, false), true});
    check({"key slots of more than 128 MiB", with({{"/config/keyslots_size", "134221824"}}, false), true});
    check({"a JSON area of another size", with({{"/config/json_size", "16384"}}, false), true});
}

TEST_F(MalformedHeaders, OfLuks2WhoseJsonIsNone) {
    std::string deep;
    for (int i = 0; i < 3000; ++i) deep += "[";
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("null"), luks2_json().substr(0, 100),
          luks2_json() + "}", std::string("{\"a\":1,}"), deep, std::string(12287, '{'), std::string(12288, ' ')}) {
        check({"JSON " + text.substr(0, 20), with_json(text), true});
    }
}

TEST_F(MalformedHeaders, OfLuks2WithOneGoodCopyAreReadThroughThat) {
    for (const std::size_t bad : {std::size_t{0}, Luks2HeaderSize}) {
        Bytes device = luks2_device();
        device[bad + 5000] ^= std::byte{1};
        const DevicePath path = scratch_.zeros("disk", DeviceSize);
        write_at(path.str(), 0, sallyport::text_of(std::span(device)));
        const auto facts = volumes_->inspect(path);
        ASSERT_TRUE(facts) << facts.error().message;
        EXPECT_EQ(facts->content, Content::Luks);
        EXPECT_EQ(volumes_->format(path, passphrase_of(KeyHex), {}).error().code, Code::Refused);
    }
}

}  // namespace
}  // namespace sallyport::volume
