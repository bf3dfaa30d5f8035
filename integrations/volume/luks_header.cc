#include "integrations/volume/luks_header.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <vector>

#include "integrations/volume/device_users.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/openssl_handle.h"
#include "keymanager/crypto/random.h"

namespace sallyport::volume {
namespace {

namespace json = boost::json;

constexpr std::array<std::byte, 6> PrimaryMagic{std::byte{'L'}, std::byte{'U'},  std::byte{'K'},
                                                std::byte{'S'}, std::byte{0xba}, std::byte{0xbe}};
constexpr std::array<std::byte, 6> SecondaryMagic{std::byte{'S'}, std::byte{'K'},  std::byte{'U'},
                                                  std::byte{'L'}, std::byte{0xba}, std::byte{0xbe}};
constexpr std::uint64_t SectorSize = 512;
constexpr std::uint64_t LargestVolumeKey = 512;  // bytes; the longest that any cipher of dm-crypt takes is 128

Error damaged(std::string reason) { return {Code::Corrupt, std::move(reason), {}}; }

std::uint64_t big_endian(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return value;
}

/// A text field of a binary header: up to its NUL, which must be there, and printable.
Result<std::string> text_field(std::span<const std::byte> field, const char* what) {
    const auto end = std::find(field.begin(), field.end(), std::byte{0});
    if (end == field.end()) return damaged(std::string(what) + " is not terminated");
    std::string text;
    for (auto it = field.begin(); it != end; ++it) {
        const auto c = std::to_integer<unsigned char>(*it);
        if (c < 0x20 || c > 0x7e) return damaged(std::string(what) + " holds characters that are not text");
        text += static_cast<char>(c);
    }
    return text;
}

/// A stretch of the device that a header gives to something.
struct Area {
    std::string owner;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

Result<void> check_areas(std::vector<Area> areas, std::uint64_t begin, std::uint64_t end) {
    std::sort(areas.begin(), areas.end(), [](const Area& a, const Area& b) { return a.offset < b.offset; });
    std::uint64_t free_from = begin;
    std::string before = "the header";
    for (const Area& area : areas) {
        if (area.offset < free_from) return damaged("the area of " + area.owner + " overlaps " + before);
        if (area.size > end || area.offset > end - area.size)
            return damaged("the area of " + area.owner + " reaches beyond the header");
        free_from = area.offset + area.size;
        before = area.owner;
    }
    return {};
}

// ---------------------------------------------------------------------------------------------------------- LUKS1

constexpr std::size_t Luks1Size = 592;
constexpr unsigned Luks1Slots = 8;
constexpr std::uint64_t SlotActive = 0x00AC71F3;
constexpr std::uint64_t SlotInactive = 0x0000DEAD;
constexpr std::uint64_t AntiForensicStripes = 4000;

Result<LuksFacts> parse_luks1(std::span<const std::byte> header) {
    const auto number = [&](std::size_t offset) { return big_endian(header.subspan(offset, 4)); };
    LuksFacts facts;
    facts.version = LuksVersion::Luks1;
    facts.key_slots_total = Luks1Slots;
    facts.cipher = TRY(text_field(header.subspan(8, 32), "the cipher's name"))
    +"-" + TRY(text_field(header.subspan(40, 32), "the cipher's mode"));
    facts.hash = TRY(text_field(header.subspan(72, 32), "the hash's name"));
    facts.data_offset = number(104) * SectorSize;
    const std::uint64_t key_bytes = number(108);
    if (key_bytes == 0 || key_bytes > LargestVolumeKey)
        return damaged("the volume key's size of " + std::to_string(key_bytes) + " bytes is impossible");
    facts.key_bits = static_cast<unsigned>(8 * key_bytes);
    facts.digest_iterations = static_cast<std::uint32_t>(number(164));
    facts.uuid = TRY(text_field(header.subspan(168, 40), "the UUID"));
    facts.volume_key_digest = to_hex(header.subspan(112, 20));

    std::vector<Area> areas;
    for (unsigned i = 0; i < Luks1Slots; ++i) {
        const std::size_t slot = 208 + 48 * i;
        const std::uint64_t state = number(slot);
        const std::string owner = "key slot " + std::to_string(i);
        if (state != SlotActive && state != SlotInactive) return damaged(owner + " is neither in use nor free");
        if (number(slot + 44) != AntiForensicStripes) return damaged(owner + " has an impossible number of stripes");
        areas.push_back({owner, number(slot + 40) * SectorSize, key_bytes * AntiForensicStripes});
        if (state == SlotInactive) continue;
        facts.key_areas.push_back({static_cast<int>(i), areas.back().offset, areas.back().size});
        facts.key_slots.push_back({.number = static_cast<int>(i),
                                   .kdf = "pbkdf2",
                                   .hash = facts.hash,
                                   .iterations = static_cast<std::uint32_t>(number(slot + 4)),
                                   .key_bits = facts.key_bits});
    }
    // A detached header says 0 and has its areas bounded by itself.
    const std::uint64_t end = facts.data_offset != 0 ? facts.data_offset : UINT64_MAX;
    TRY(check_areas(areas, Luks1Size, end));
    for (const Area& area : areas) facts.metadata_size = std::max(facts.metadata_size, area.offset + area.size);
    facts.header_copies = {{.name = "primary", .offset = 0, .state = HeaderCopyState::Good}};
    return facts;
}

// ---------------------------------------------------------------------------------------------------------- LUKS2

constexpr std::size_t BinaryHeaderSize = 4096;
constexpr std::size_t ChecksumOffset = 448;
constexpr std::size_t ChecksumField = 64;
constexpr unsigned Luks2Slots = 32;
constexpr std::uint64_t LargestSlotsArea = 128 * 1024 * 1024;  // libcryptsetup's limit

/// One copy of a LUKS2 header whose checksum is right.
struct Luks2Copy {
    std::uint64_t header_size = 0;
    std::uint64_t sequence = 0;
    std::string label, uuid, subsystem;
    std::string json;
};

bool is_header_size(std::uint64_t size) {
    return std::find(std::begin(SecondaryHeaderOffsets), std::end(SecondaryHeaderOffsets), size) !=
           std::end(SecondaryHeaderOffsets);
}

using Checksum = std::array<std::byte, ChecksumField>;

/// The checksum of a whole header, whose own field is taken as zeros.
Result<Checksum> checksum_of(std::span<std::byte> header, const std::string& algorithm) {
    const EVP_MD* digest = EVP_get_digestbyname(algorithm.c_str());
    if (digest == nullptr) return damaged("its checksum is of an unknown kind");
    const auto field = header.subspan(ChecksumOffset, ChecksumField);
    std::fill(field.begin(), field.end(), std::byte{0});
    Checksum checksum{};
    if (EVP_MD_get_size(digest) > static_cast<int>(checksum.size()) ||
        EVP_Digest(header.data(), header.size(), uchar(checksum.data()), nullptr, digest, nullptr) != 1) {
        return Error{Code::Internal, "cannot compute the header's checksum", crypto::openssl_detail()};
    }
    return checksum;
}

Result<void> check_checksum(std::span<std::byte> header, const std::string& algorithm) {
    Checksum stored{};
    std::memcpy(stored.data(), header.data() + ChecksumOffset, stored.size());
    const Checksum computed = TRY(checksum_of(header, algorithm));
    if (stored != computed) return damaged("its checksum does not match");
    return {};
}

/// Reads the copy at `offset`. Its first sector has been found to begin with the right magic.
Result<Luks2Copy> read_luks2_copy(const ByteSource& source, std::uint64_t offset, std::span<const std::byte> first) {
    Luks2Copy copy;
    if (big_endian(first.subspan(6, 2)) != 2) return damaged("it is of an unknown version");
    copy.header_size = big_endian(first.subspan(8, 8));
    if (!is_header_size(copy.header_size))
        return damaged("its size of " + std::to_string(copy.header_size) + " bytes is impossible");
    if (big_endian(first.subspan(256, 8)) != offset) return damaged("it was written for another place");
    if (offset != 0 && offset != copy.header_size) return damaged("it does not lie where its size says");
    copy.sequence = big_endian(first.subspan(16, 8));

    Bytes whole(copy.header_size);
    if (TRY(source.read(offset, whole)) != whole.size()) return damaged("it is cut off");
    const std::string algorithm = TRY(text_field(first.subspan(72, 32), "the checksum's name"));
    TRY(check_checksum(whole, algorithm));
    copy.label = TRY(text_field(first.subspan(24, 48), "the label"));
    copy.uuid = TRY(text_field(first.subspan(168, 40), "the UUID"));
    copy.subsystem = TRY(text_field(first.subspan(208, 48), "the subsystem"));
    const std::string_view area = sallyport::text_of(std::span(whole).subspan(BinaryHeaderSize));
    const std::size_t end = area.find('\0');
    if (end == std::string_view::npos) return damaged("its JSON area is not terminated");
    copy.json = area.substr(0, end);
    return copy;
}

const json::value* find(const json::object& object, std::string_view key) { return object.if_contains(key); }

Result<const json::object*> object_at(const json::object& parent, const std::string& name, const std::string& where) {
    const json::value* value = find(parent, name);
    if (value == nullptr || !value->is_object()) return damaged(where + " has no object \"" + name + "\"");
    return &value->get_object();
}

Result<std::string> string_at(const json::object& parent, const std::string& name, const std::string& where) {
    const json::value* value = find(parent, name);
    if (value == nullptr || !value->is_string()) return damaged(where + " has no text \"" + name + "\"");
    const json::string& text = value->get_string();
    if (!std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; })) {
        return damaged(where + " holds characters that are not text in \"" + name + "\"");
    }
    return std::string(text);
}

/// A number that JSON holds as text, since it may be beyond 2^53 (specification, section 3.1).
Result<std::uint64_t> offset_at(const json::object& parent, const std::string& name, const std::string& where) {
    const std::string text = TRY(string_at(parent, name, where));
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size())
        return damaged(where + " has a bad number \"" + name + "\"");
    return value;
}

Result<std::uint32_t> number_at(const json::object& parent, const std::string& name, const std::string& where) {
    const json::value* value = find(parent, name);
    if (value == nullptr || !value->is_number()) return damaged(where + " has no number \"" + name + "\"");
    json::error_code failed;
    const auto number = value->to_number<std::uint32_t>(failed);
    if (failed) return damaged(where + " has a number out of range in \"" + name + "\"");
    return number;
}

Result<unsigned> key_bits_at(const json::object& parent, const std::string& where) {
    const std::uint32_t bytes = TRY(number_at(parent, "key_size", where));
    if (bytes == 0 || bytes > LargestVolumeKey) return damaged(where + " has an impossible key size");
    return 8 * bytes;
}

Result<int> slot_number(std::string_view text) {
    int number = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size() || number < 0 ||
        number >= static_cast<int>(Luks2Slots)) {
        return damaged("a key slot has an impossible number");
    }
    return number;
}

Result<KeySlotFacts> parse_key_slot(int number, const json::object& slot, std::vector<Area>& areas) {
    const std::string where = "key slot " + std::to_string(number);
    KeySlotFacts facts;
    facts.number = number;
    facts.key_bits = TRY(key_bits_at(slot, where));
    if (const json::value* priority = find(slot, "priority"); priority != nullptr) {
        facts.priority = static_cast<int>(TRY(number_at(slot, "priority", where)));
    }
    const json::object& area = *TRY(object_at(slot, "area", where));
    areas.push_back({
        where, TRY(offset_at(area, "offset", where))
        , TRY(offset_at(area, "size", where))
    });
    if (slot.contains("kdf")) {
        const json::object& kdf = *TRY(object_at(slot, "kdf", where));
        facts.kdf = TRY(string_at(kdf, "type", where));
        if (facts.kdf == "pbkdf2") {
            facts.hash = TRY(string_at(kdf, "hash", where));
            facts.iterations = TRY(number_at(kdf, "iterations", where));
        } else {
            facts.iterations = TRY(number_at(kdf, "time", where));
            facts.memory_kib = TRY(number_at(kdf, "memory", where));
            facts.threads = TRY(number_at(kdf, "cpus", where));
        }
    }
    return facts;
}

bool has_flag(const json::object& segment, std::string_view beginning) {
    const json::value* flags = find(segment, "flags");
    if (flags == nullptr || !flags->is_array()) return false;
    return std::any_of(flags->get_array().begin(), flags->get_array().end(), [&](const json::value& flag) {
        return flag.is_string() && std::string_view(flag.get_string()).starts_with(beginning);
    });
}

/// A segment that says how the device was, or will be; not one that is being written now ("in-reencryption").
bool is_backup(const json::object& segment) { return has_flag(segment, "backup-"); }

/// The data segment: during re-encryption there are several; the lowest-numbered encrypted one that is no backup is
/// what a reader sees first.
Result<void> parse_segments(const json::object& segments, std::uint64_t end_of_header, LuksFacts& facts) {
    int chosen = -1;
    for (const auto& [key, value] : segments) {
        int number = -1;
        std::from_chars(key.data(), key.data() + key.size(), number);
        const std::string where = "segment " + std::to_string(number);
        if (number < 0 || !value.is_object()) return damaged("a segment has an impossible number or shape");
        const json::object& segment = value.get_object();
        const std::string type = TRY(string_at(segment, "type", where));
        const std::uint64_t offset = TRY(offset_at(segment, "offset", where));
        const json::value* size = find(segment, "size");
        if (size == nullptr || !size->is_string()) return damaged(where + " has no size");
        if (size->get_string() != "dynamic") TRY(offset_at(segment, "size", where));
        if (type != "crypt") continue;
        const std::string cipher = TRY(string_at(segment, "encryption", where));
        const std::uint32_t sector_size = TRY(number_at(segment, "sector_size", where));
        if (sector_size != 512 && sector_size != 1024 && sector_size != 2048 && sector_size != 4096) {
            return damaged(where + " has an impossible sector size");
        }
        // Offset 0 is a detached header's: its data lies on another device.
        if (offset != 0 && offset < end_of_header) return damaged(where + " overlaps the header");
        if (offset % SectorSize != 0) return damaged(where + " does not begin at a sector");
        if (is_backup(segment) || (chosen >= 0 && chosen < number)) continue;
        chosen = number;
        facts.cipher = cipher;
        facts.sector_size = sector_size;
        facts.data_offset = offset;
    }
    if (chosen < 0) return damaged("no segment is encrypted");
    return {};
}

bool lists(const json::value& owner, const char* member, std::string_view name) {
    if (!owner.is_object()) return false;
    const json::value* list = find(owner.get_object(), member);
    if (list == nullptr || !list->is_array()) return false;
    return std::any_of(list->get_array().begin(), list->get_array().end(),
                       [name](const json::value& entry) { return entry.is_string() && entry.get_string() == name; });
}

/// The digest of the volume key that encrypts a segment; null if none says that it is, or several do.
const json::key_value_pair* digest_of_segment(const json::object& digests, std::string_view segment) {
    const json::key_value_pair* found = nullptr;
    for (const json::key_value_pair& digest : digests) {
        if (!lists(digest.value(), "segments", segment)) continue;
        if (found != nullptr) return nullptr;
        found = &digest;
    }
    return found;
}

/// Of the data's first part: of all of it, unless it is being re-encrypted.
std::string volume_key_digest(const json::object& digests) {
    const json::key_value_pair* first = digest_of_segment(digests, "0");
    const json::value* digest = first != nullptr ? find(first->value().get_object(), "digest") : nullptr;
    return digest != nullptr && digest->is_string() ? std::string(digest->get_string()) : std::string();
}

constexpr std::string_view ReencryptionRequirement = "online-reencrypt";

/// What is where in a header whose re-encryption has done all the data; see LuksFacts::reencryption_is_over.
struct Leftovers {
    std::string segment;       ///< the one that stays
    std::string digest;        ///< and its volume key's
    std::string old_digest;    ///< the volume key from before
    std::string journal_slot;  ///< a key slot without a key
};

std::optional<Leftovers> leftovers_of_reencryption(const json::object& segments, const json::object& digests,
                                                   const json::object& slots) {
    std::string live, previous, last;
    for (const auto& [name, segment] : segments) {
        if (!segment.is_object() || has_flag(segment.get_object(), "in-reencryption")) return std::nullopt;
        std::string& place = has_flag(segment.get_object(), "backup-previous") ? previous
                             : has_flag(segment.get_object(), "backup-final")  ? last
                                                                               : live;
        if (!place.empty()) return std::nullopt;
        place = name;
    }
    Leftovers leftovers;
    leftovers.segment = live;
    for (const auto& [name, slot] : slots) {
        const json::value* type = slot.is_object() ? find(slot.get_object(), "type") : nullptr;
        const json::value* mode = slot.is_object() ? find(slot.get_object(), "mode") : nullptr;
        if (type == nullptr || mode == nullptr || *type != "reencrypt" || *mode != "reencrypt") continue;
        leftovers.journal_slot = name;
    }
    const auto* live_key = digest_of_segment(digests, live);
    const auto* old_key = digest_of_segment(digests, previous);
    // The same key before and now: it has not begun yet, and shows the same segments.
    if (leftovers.journal_slot.empty() || live_key == nullptr || old_key == nullptr || live_key == old_key ||
        live_key != digest_of_segment(digests, last)) {
        return std::nullopt;
    }
    leftovers.digest = live_key->key();
    leftovers.old_digest = old_key->key();
    return leftovers;
}

bool is_being_reencrypted(const LuksFacts& facts) {
    return std::any_of(facts.requirements.begin(), facts.requirements.end(),
                       [](const std::string& requirement) { return requirement.starts_with(ReencryptionRequirement); });
}

Result<LuksFacts> parse_luks2(const Luks2Copy& copy) {
    json::error_code failed;
    const json::value parsed = json::parse(copy.json, failed);
    if (failed) return damaged("its JSON cannot be read: " + failed.message());
    if (!parsed.is_object()) return damaged("its JSON is no object");
    const json::object& root = parsed.get_object();

    LuksFacts facts;
    facts.version = LuksVersion::Luks2;
    facts.key_slots_total = Luks2Slots;
    facts.uuid = copy.uuid;
    facts.label = copy.label;
    facts.subsystem = copy.subsystem;

    const json::object& config = *TRY(object_at(root, "config", "the header"));
    if (TRY(offset_at(config, "json_size", "config")) != copy.header_size - BinaryHeaderSize)
        return damaged("config has a wrong json_size");
    const std::uint64_t slots_size = TRY(offset_at(config, "keyslots_size", "config"));
    const std::uint64_t slots_begin = 2 * copy.header_size;
    if (slots_size > LargestSlotsArea) return damaged("config has an impossible keyslots_size");
    const std::uint64_t slots_end = slots_begin + slots_size;
    facts.metadata_size = slots_end;
    if (const json::value* requirements = find(config, "requirements");
        requirements != nullptr && requirements->is_object()) {
        if (const json::value* list = find(requirements->get_object(), "mandatory");
            list != nullptr && list->is_array()) {
            for (const json::value& entry : list->get_array()) {
                if (!entry.is_string()) return damaged("config has a requirement that is no text");
                facts.requirements.emplace_back(entry.get_string());
            }
        }
    }

    std::vector<Area> areas;
    const json::object& slots = *TRY(object_at(root, "keyslots", "the header"));
    for (const auto& [key, value] : slots) {
        const int number = TRY(slot_number(key));
        if (!value.is_object()) return damaged("key slot " + std::to_string(number) + " is no object");
        KeySlotFacts slot = TRY(parse_key_slot(number, value.get_object(), areas));
        // A slot without a key derivation belongs to a re-encryption under way and holds no key.
        if (slot.kdf.empty()) continue;
        facts.key_areas.push_back({number, areas.back().offset, areas.back().size});
        facts.key_slots.push_back(std::move(slot));
    }
    std::sort(facts.key_slots.begin(), facts.key_slots.end(),
              [](const KeySlotFacts& a, const KeySlotFacts& b) { return a.number < b.number; });
    TRY(check_areas(areas, slots_begin, slots_end));
    const json::object& segments = *TRY(object_at(root, "segments", "the header"));
    TRY(parse_segments(segments, slots_end, facts));
    const json::object& digests = *TRY(object_at(root, "digests", "the header"));
    facts.volume_key_digest = volume_key_digest(digests);
    facts.reencryption_is_over = is_being_reencrypted(facts) && leftovers_of_reencryption(segments, digests, slots);
    for (const auto& [key, value] : digests) {
        if (!value.is_object()) return damaged("a digest is no object");
        const json::object& digest = value.get_object();
        if (TRY(string_at(digest, "type", "a digest")) != "pbkdf2") continue;
        facts.digest_iterations = std::max(facts.digest_iterations, TRY(number_at(digest, "iterations", "a digest")));
    }
    for (const KeySlotFacts& slot : facts.key_slots) facts.key_bits = std::max(facts.key_bits, slot.key_bits);
    return facts;
}

/// Both copies, each with its state; the facts of the newer good one.
struct Luks2Scan {
    std::vector<HeaderCopy> copies;
    std::optional<LuksFacts> facts;
};

Result<void> scan_copy(const ByteSource& source, std::uint64_t offset, std::span<const std::byte> magic,
                       const char* name, Luks2Scan& scan, std::uint64_t* header_size) {
    HeaderCopy copy{.name = name, .offset = offset};
    std::array<std::byte, BinaryHeaderSize> first{};
    const std::size_t got = TRY(source.read(offset, first));
    if (got < first.size() || !std::equal(magic.begin(), magic.end(), first.begin())) {
        scan.copies.push_back(std::move(copy));
        return {};
    }
    const auto fail = [&](const Error& error) {
        copy.state = HeaderCopyState::Damaged;
        copy.reason = error.message;
        scan.copies.push_back(std::move(copy));
    };
    auto read = read_luks2_copy(source, offset, first);
    if (!read) {
        if (read.error().code == Code::Io) return read.error();
        fail(read.error());
        return {};
    }
    copy.sequence = read->sequence;
    auto facts = parse_luks2(*read);
    if (!facts) {
        fail(facts.error());
        return {};
    }
    copy.state = HeaderCopyState::Good;
    *header_size = read->header_size;
    const bool newer = !scan.facts || copy.sequence > scan.copies.front().sequence;
    if (newer) scan.facts = std::move(*facts);
    scan.copies.push_back(std::move(copy));
    return {};
}

Result<Luks2Scan> scan_luks2(const ByteSource& source) {
    Luks2Scan scan;
    std::uint64_t header_size = 0;
    TRY(scan_copy(source, 0, PrimaryMagic, "primary", scan, &header_size));
    if (header_size != 0) {
        TRY(scan_copy(source, header_size, SecondaryMagic, "secondary", scan, &header_size));
        return scan;
    }
    // Without the primary nobody knows the size of the header, and so the place of the secondary.
    HeaderCopy secondary{.name = "secondary"};
    for (const std::uint64_t offset : SecondaryHeaderOffsets) {
        Luks2Scan attempt;
        TRY(scan_copy(source, offset, SecondaryMagic, "secondary", attempt, &header_size));
        if (attempt.copies.front().state != HeaderCopyState::Absent) secondary = attempt.copies.front();
        if (!attempt.facts) continue;
        scan.facts = std::move(attempt.facts);
        break;
    }
    scan.copies.push_back(std::move(secondary));
    return scan;
}

}  // namespace

Result<std::optional<LuksFacts>> read_luks_header(const ByteSource& source) {
    std::array<std::byte, Luks1Size> first{};
    const std::size_t got = TRY(source.read(0, first));
    const bool magic = got == first.size() && std::equal(PrimaryMagic.begin(), PrimaryMagic.end(), first.begin());
    if (magic && big_endian(std::span(first).subspan(6, 2)) == 1) {
        auto facts = parse_luks1(first);
        if (!facts) return Error{facts.error().code, "the LUKS1 header is damaged: " + facts.error().message, {}};
        return std::optional(std::move(*facts));
    }
    Luks2Scan scan = TRY(scan_luks2(source));
    if (scan.facts) {
        scan.facts->header_copies = std::move(scan.copies);
        return std::move(scan.facts);
    }
    std::vector<std::string> reasons;
    for (const HeaderCopy& copy : scan.copies) {
        if (copy.state == HeaderCopyState::Damaged) reasons.push_back(copy.name + ": " + copy.reason);
    }
    if (!reasons.empty())
        return Error{Code::Corrupt, "the LUKS2 header is damaged (" + joined(reasons, "; ") + ")", {}};
    return std::optional<LuksFacts>{};
}

namespace {

void put_big_endian(Bytes& header, std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) header[at + i] = static_cast<std::byte>(value >> (8 * (7 - i)));
}

/// Makes `header` the copy that lies at `place`.
Result<void> seal(Bytes& header, std::uint64_t place) {
    const auto& magic = place == 0 ? PrimaryMagic : SecondaryMagic;
    std::copy(magic.begin(), magic.end(), header.begin());
    put_big_endian(header, 256, place);
    const std::string algorithm = TRY(text_field(std::span(header).subspan(72, 32), "the checksum's name"));
    const Checksum checksum = TRY(checksum_of(header, algorithm));
    std::copy(checksum.begin(), checksum.end(), header.begin() + ChecksumOffset);
    return {};
}

/// The good copy, the newer one of two; both are equally large, and the secondary follows the primary at once.
struct GoodCopy {
    bool is_primary = true;
    std::uint64_t sequence = 0;
    Bytes bytes;
};
Result<GoodCopy> good_copy(const File& file, const LuksFacts& facts) {
    const HeaderCopy& primary = facts.header_copies.at(0);
    const HeaderCopy& secondary = facts.header_copies.at(1);
    GoodCopy copy{.bytes = Bytes(secondary.offset)};
    copy.is_primary = primary.state == HeaderCopyState::Good &&
                      (secondary.state != HeaderCopyState::Good || primary.sequence >= secondary.sequence);
    copy.sequence = copy.is_primary ? primary.sequence : secondary.sequence;
    if (TRY(file.read(copy.is_primary ? 0 : secondary.offset, copy.bytes)) != copy.bytes.size())
        return damaged("the header is cut off");
    return copy;
}

json::object& object_in(json::object& parent, const char* name) { return parent[name].as_object(); }

/// Takes the entries that `unwanted` says off a list of texts, if there is such a list.
template <class Unwanted>
void drop_entries(json::value* list, Unwanted&& unwanted) {
    if (list == nullptr || !list->is_array()) return;
    json::array left;
    for (const json::value& entry : list->get_array()) {
        if (!entry.is_string() || !unwanted(std::string_view(entry.get_string()))) left.push_back(entry);
    }
    *list = std::move(left);
}

/// The header without what only a re-encryption needs; the areas of the key slots that are gone.
Result<std::vector<Area>> without_reencryption(json::object& root) {
    json::object& segments = object_in(root, "segments");
    json::object& digests = object_in(root, "digests");
    json::object& slots = object_in(root, "keyslots");
    const auto leftovers = leftovers_of_reencryption(segments, digests, slots);
    if (!leftovers) return damaged("what it says of its re-encryption has changed");

    std::vector<std::string> gone{leftovers->journal_slot};
    for (const auto& [name, slot] : slots) {
        if (lists(digests.at(leftovers->old_digest), "keyslots", name)) gone.emplace_back(name);
    }
    std::vector<Area> areas;
    for (const std::string& name : gone) {
        std::vector<Area> area;
        TRY(parse_key_slot(TRY(slot_number(name)), slots.at(name).as_object(), area));
        areas.push_back(area.front());
        slots.erase(name);
    }
    const auto is_gone = [&gone](std::string_view name) { return std::ranges::find(gone, name) != gone.end(); };
    json::object kept_digests;
    for (const auto& [name, digest] : digests) {
        if (name == leftovers->old_digest || lists(digest, "keyslots", leftovers->journal_slot)) continue;
        kept_digests[name] = digest;
    }
    kept_digests[leftovers->digest].as_object()["segments"] = json::array{"0"};
    digests = std::move(kept_digests);
    segments = json::object{{"0", json::value(segments.at(leftovers->segment))}};
    if (json::value* tokens = root.if_contains("tokens"); tokens != nullptr && tokens->is_object()) {
        for (auto& [name, token] : tokens->get_object()) {
            if (token.is_object()) drop_entries(token.get_object().if_contains("keyslots"), is_gone);
        }
    }
    json::object& requirements = object_in(object_in(root, "config"), "requirements");
    drop_entries(requirements.if_contains("mandatory"),
                 [](std::string_view name) { return name.starts_with(ReencryptionRequirement); });
    if (requirements.at("mandatory").as_array().empty()) object_in(root, "config").erase("requirements");
    return areas;
}

Result<void> overwrite_with_noise(File& file, const Area& area) {
    Bytes noise(1024 * 1024);
    for (std::uint64_t done = 0; done < area.size;) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(noise.size(), area.size - done));
        TRY(crypto::fill_random(std::span(noise).first(size)));
        TRY(file.write(area.offset + done, std::span(noise).first(size)));
        done += size;
    }
    return file.sync();
}

}  // namespace

Result<void> mend_luks2_header(File& image, const LuksFacts& facts) {
    GoodCopy copy = TRY(good_copy(image, facts));
    const std::uint64_t place = copy.is_primary ? copy.bytes.size() : 0;
    TRY(seal(copy.bytes, place));
    return image.write(place, copy.bytes);
}

Result<void> finish_luks2_reencryption(File& file, const LuksFacts& facts) {
    if (!facts.reencryption_is_over) return damaged("its re-encryption is not over");
    GoodCopy copy = TRY(good_copy(file, facts));
    const std::string_view area = sallyport::text_of(std::span(copy.bytes).subspan(BinaryHeaderSize));
    json::error_code failed;
    json::value parsed = json::parse(area.substr(0, area.find('\0')), failed);
    if (failed || !parsed.is_object()) return damaged("its JSON cannot be read");
    const auto gone = TRY(without_reencryption(parsed.get_object()));
    const std::string text = json::serialize(parsed);
    if (text.size() + 1 > area.size()) return damaged("its JSON has no room");
    // The old volume key opens nothing any more: its slots go before the last note of them does.
    for (const Area& slot : gone) TRY(overwrite_with_noise(file, slot));
    const auto json_area = std::span(copy.bytes).subspan(BinaryHeaderSize);
    std::fill(json_area.begin(), json_area.end(), std::byte{0});
    std::memcpy(json_area.data(), text.data(), text.size());
    put_big_endian(copy.bytes, 16, copy.sequence + 1);
    // One copy after the other, so that one of them is whole at any time.
    for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{copy.bytes.size()}}) {
        TRY(seal(copy.bytes, place));
        TRY(file.write(place, copy.bytes));
        TRY(file.sync());
    }
    return {};
}

std::string_view text_of(LuksVersion version) {
    switch (version) {
        case LuksVersion::Luks1: return "LUKS1";
        case LuksVersion::Luks2: return "LUKS2";
    }
    return {};
}

std::string strength_of(const std::string& cipher, unsigned key_bits) {
    const std::size_t dash = cipher.find('-');
    const std::size_t end = dash == std::string::npos ? dash : cipher.find('-', dash + 1);
    if (end == std::string::npos) return {};
    const auto upper = [](std::string text) {
        std::transform(text.begin(), text.end(), text.begin(),
                       [](unsigned char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
        return text;
    };
    const std::string mode = upper(cipher.substr(dash + 1, end - dash - 1));
    const unsigned bits = mode == "XTS" ? key_bits / 2 : key_bits;
    return upper(cipher.substr(0, dash)) + "-" + std::to_string(bits) + "-" + mode;
}

std::string_view text_of(HeaderCopyState state) {
    switch (state) {
        case HeaderCopyState::Good: return "good";
        case HeaderCopyState::Absent: return "absent";
        case HeaderCopyState::Damaged: return "damaged";
    }
    return {};
}

}  // namespace sallyport::volume
