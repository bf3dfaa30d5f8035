#include "integrations/volume/erase.h"

#include <boost/json.hpp>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <utility>

#include "integrations/volume/file.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/probe.h"
#include "keymanager/base/log.h"
#include "keymanager/crypto/random.h"

namespace sallyport::volume {
namespace {

namespace json = boost::json;
using model::VolumeChange;
using model::VolumeRecord;
using model::VolumeUuid;

constexpr std::size_t FirstBlock = 4096;
constexpr std::size_t ChunkSize = 1024 * 1024;
constexpr int AllVersions = 1 << 30;
/// What the first block begins with from the first write to the last.
constexpr std::string_view Marker = "sallyport: this volume is being erased; go on with: sallyport volume erase\n";

// ------------------------------------------------------------------------------------------------- what is noted

std::string note_of(const ErasedVolume& volume) {
    return json::serialize(json::object{{"uuid", volume.uuid},
                                        {"luks", static_cast<int>(volume.version)},
                                        {"cipher", volume.cipher},
                                        {"key_bits", volume.key_bits},
                                        {"size", volume.size},
                                        {"end", volume.header_end},
                                        {"slots", json::array(volume.key_slots.begin(), volume.key_slots.end())},
                                        {"begun", to_iso8601(volume.begun)}});
}

std::optional<ErasedVolume> volume_from(std::string_view note) {
    json::error_code failed;
    const json::value parsed = json::parse(note, failed);
    if (failed || !parsed.is_object()) return std::nullopt;
    const json::object& object = parsed.get_object();
    const auto text = [&object](const char* member) {
        const json::value* value = object.if_contains(member);
        return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    const auto number = [&object](const char* member) -> std::uint64_t {
        json::error_code bad;
        const json::value* value = object.if_contains(member);
        const auto read = value != nullptr ? value->to_number<std::uint64_t>(bad) : 0;
        return bad ? 0 : read;
    };
    ErasedVolume volume;
    volume.uuid = text("uuid");
    volume.version = number("luks") == 1 ? LuksVersion::Luks1 : LuksVersion::Luks2;
    volume.cipher = text("cipher");
    volume.key_bits = static_cast<unsigned>(number("key_bits"));
    volume.size = number("size");
    volume.header_end = number("end");
    if (const json::value* slots = object.if_contains("slots"); slots != nullptr && slots->is_array()) {
        for (const json::value& slot : slots->get_array()) {
            if (slot.is_int64()) volume.key_slots.push_back(static_cast<int>(slot.get_int64()));
        }
    }
    if (const auto begun = parse_iso8601(text("begun"))) volume.begun = *begun;
    if (volume.uuid.empty() || volume.header_end < FirstBlock) return std::nullopt;
    return volume;
}

/// What the device's first block says of an erasure that was begun.
Result<std::optional<ErasedVolume>> marked_on(const File& file) {
    Bytes first(FirstBlock);
    const std::size_t got = TRY(file.read(0, first));
    const std::string_view block = sallyport::text_of(std::span(first).first(got));
    if (!block.starts_with(Marker)) return std::optional<ErasedVolume>();
    const std::string_view note = block.substr(Marker.size());
    return volume_from(note.substr(0, note.find('\n')));
}

// ------------------------------------------------------------------------------------------------- the device

std::string first_line(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

DeviceIdentity identity_of(const File& file) {
    DeviceIdentity identity;
    identity.kind = file.is_block_device() ? "block device" : "image file";
    struct stat status {};
    if (!file.is_block_device() || fstat(file.descriptor(), &status) != 0) return identity;
    const std::string node =
        "/sys/dev/block/" + std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
    // A partition has its disk above it.
    for (const std::string& folder : {node, node + "/.."}) {
        if (identity.model.empty()) identity.model = first_line(folder + "/device/model");
        for (const char* place : {"/device/serial", "/serial"}) {
            if (identity.serial.empty()) identity.serial = first_line(folder + place);
        }
        for (const char* place : {"/device/wwid", "/wwid"}) {
            if (identity.wwid.empty()) identity.wwid = first_line(folder + place);
        }
    }
    return identity;
}

Result<void> overwrite(File& file, std::uint64_t begin, std::uint64_t end, bool with_noise) {
    Bytes chunk(ChunkSize);
    for (std::uint64_t at = begin; at < end;) {
        const auto piece =
            std::span(chunk).first(static_cast<std::size_t>(std::min<std::uint64_t>(ChunkSize, end - at)));
        if (with_noise) TRY(crypto::fill_random(piece));
        TRY(file.write(at, piece));
        at += piece.size();
    }
    TRY(file.sync());
    file.drop_cache();
    return {};
}

Result<void> check_zeros(const File& file, std::uint64_t begin, std::uint64_t end) {
    Bytes chunk(ChunkSize);
    for (std::uint64_t at = begin; at < end;) {
        const auto piece =
            std::span(chunk).first(static_cast<std::size_t>(std::min<std::uint64_t>(ChunkSize, end - at)));
        if (TRY(file.read(at, piece)) != piece.size() ||
            std::any_of(piece.begin(), piece.end(), [](std::byte b) { return b != std::byte{0}; })) {
            return Error{Code::Io,
                         file.name() + " still holds something of its header (within 1 MiB of byte " +
                             std::to_string(at) + "): it loses what is written to it; destroy the medium",
                         {}};
        }
        at += piece.size();
    }
    return {};
}

Result<void> put_marker(File& file, const ErasedVolume& volume) {
    Bytes first(FirstBlock);
    const std::string text = std::string(Marker) + note_of(volume) + "\n";
    std::memcpy(first.data(), text.data(), std::min(text.size(), first.size()));
    TRY(file.write(0, first));
    return file.sync();
}

// ------------------------------------------------------------------------------------------------- the whole

class Erasure {
public:
    Erasure(const DevicePath& device, const Passphrase* key, const EraseOptions& options)
        : device_(device), key_(key), options_(options) {}

    Result<EraseReport> run() {
        report_.device = device_.str();
        TRY(find_out());
        TRY(ask_ledger());
        TRY(destroy_header());
        TRY(destroy_what_is_kept());
        TRY(verify());
        report_.finished = options_.clock.now();
        if (options_.certify) TRY(options_.certify(report_));
        // The mark goes last: until it is certified, the device itself says what is to be gone on with.
        TRY(clear_marker());
        if (options_.ledger != nullptr) TRY(options_.ledger->forget(VolumeUuid(report_.volume.uuid)));
        log_info("volume {} on {} is erased", report_.volume.uuid, device_.str());
        return std::move(report_);
    }

private:
    /// What is erased: by the header, else by the notes of an erasure that was begun.
    Result<void> find_out() {
        const File file = TRY(File::open(device_, File::Access::Read));
        report_.identity = identity_of(file);
        if (auto marked = TRY(marked_on(file))) {
            report_.volume = *std::move(marked);
            report_.continued = true;
            return {};
        }
        if (auto noted = TRY(noted_in_ledger(file))) {
            report_.volume = *std::move(noted);
            report_.continued = true;
            return {};
        }
        const VolumeFacts facts = TRY(probe(file));
        if (facts.content != Content::Luks) return not_luks(file.name(), facts);
        const LuksFacts& luks = *facts.luks;
        if (key_ == nullptr) {
            return Error{
                Code::NotFound, "the key of " + device_.str() + " is gone, and no erasure of it was begun", {}};
        }
        LuksDevice loaded = TRY(load_without_writing(file, facts, options_.limits));
        if (TRY(loaded.slots_opened_by(*key_)).empty()) {
            return Error{
                Code::WrongKey,
                "this key opens no key slot of " + device_.str() + ": nothing was erased (is it the right volume?)",
                {}};
        }
        ErasedVolume& volume = report_.volume;
        volume.uuid = luks.uuid;
        volume.version = luks.version;
        volume.cipher = luks.cipher;
        volume.key_bits = luks.key_bits;
        volume.size = facts.size;
        // A detached header says 0: its file is all header.
        volume.header_end =
            std::min(facts.size, std::max({luks.data_offset, luks.metadata_size, std::uint64_t{FirstBlock}}));
        for (const KeySlotFacts& slot : luks.key_slots) volume.key_slots.push_back(slot.number);
        volume.begun = options_.clock.now();
        return {};
    }

    /// The device has no marker: it was not there yet, or not any more. Anything else than the volume's own header, or
    /// the zeros in its place, was put there by somebody since.
    Result<std::optional<ErasedVolume>> noted_in_ledger(const File& file) {
        if (options_.ledger == nullptr) return std::optional<ErasedVolume>();
        const auto record = TRY(options_.ledger->find_on(device_));
        if (!record || record->change != VolumeChange::Erasure) return std::optional<ErasedVolume>();
        auto volume = volume_from(record->note);
        if (!volume || volume->size != file.size()) return std::optional<ErasedVolume>();
        Bytes first(FirstBlock);
        TRY(file.read(0, first));
        // Both versions have their uuid at this place, also where the rest of the header is torn.
        const auto uuid = sallyport::text_of(std::span(first).subspan(168, volume->uuid.size()));
        if (uuid != volume->uuid && !check_zeros(file, 0, volume->header_end)) return std::optional<ErasedVolume>();
        return volume;
    }

    Result<void> ask_ledger() {
        if (options_.ledger == nullptr) return {};
        const VolumeUuid uuid(report_.volume.uuid);
        auto known = TRY(options_.ledger->find(uuid));
        VolumeRecord record = std::move(known).value_or(VolumeRecord{.uuid = uuid, .project = {}});
        std::vector<SecretId> secrets;
        if (record.secret) secrets.push_back(*record.secret);
        if (record.next_secret) secrets.push_back(*record.next_secret);
        if (options_.secret && std::ranges::find(secrets, *options_.secret) == secrets.end()) {
            if (!secrets.empty()) {
                return Error{Code::Conflict,
                             "the key manager's record of volume " + uuid.str() + " names secret " +
                                 secrets.front().str() + ": erase it with that (is this a clone with the same uuid?)",
                             {}};
            }
            secrets.push_back(*options_.secret);
            record.secret = options_.secret;
        }
        for (const SecretId& secret : secrets) {
            TRY(options_.ledger->may_destroy_secret(secret, uuid));
            report_.secrets.push_back({secret, 0});
        }
        record.change = VolumeChange::Erasure;
        record.device = device_.str();
        record.note = note_of(report_.volume);
        return options_.ledger->put(record);
    }

    Result<void> destroy_header() {
        File file = TRY(File::open(device_, File::Access::Exclusive));
        if (file.size() != report_.volume.size) {
            return Error{Code::Conflict,
                         device_.str() + " has " + std::to_string(file.size()) + " bytes, and the volume had " +
                             std::to_string(report_.volume.size) + ": is it the right device?",
                         {}};
        }
        const std::uint64_t end = report_.volume.header_end;
        TRY(put_marker(file, report_.volume));
        TRY(overwrite(file, FirstBlock, end, true));
        TRY(overwrite(file, FirstBlock, end, false));
        return check_zeros(file, FirstBlock, end);
    }

    Result<void> destroy_what_is_kept() {
        if (options_.ledger == nullptr) return {};
        const VolumeUuid uuid(report_.volume.uuid);
        report_.header_copies = TRY(options_.ledger->destroy_headers_before(uuid, AllVersions));
        for (ErasedSecret& secret : report_.secrets) {
            secret.ciphertexts = TRY(options_.ledger->destroy_secret(secret.id, uuid));
            if (!options_.drop_cached) continue;
            const auto dropped = TRY(options_.drop_cached(secret.id));
            report_.cached.insert(report_.cached.end(), dropped.begin(), dropped.end());
        }
        return {};
    }

    Result<void> clear_marker() {
        File file = TRY(File::open(device_, File::Access::Exclusive));
        TRY(overwrite(file, 0, FirstBlock, false));
        return check_zeros(file, 0, report_.volume.header_end);
    }

    Result<void> verify() {
        const File file = TRY(File::open(device_, File::Access::Read));
        file.drop_cache();
        TRY(check_zeros(file, FirstBlock, report_.volume.header_end));
        if (!TRY(marked_on(file))) return still_there("its first block");
        report_.verified.push_back("bytes 4096 to " + std::to_string(report_.volume.header_end - 1) +
                                   " of the device were read back as zeros, those before as the mark of the erasure");
        const auto header = read_luks_header(file);
        if (!header || *header) return still_there("a LUKS header");
        report_.verified.emplace_back("no LUKS header is found on the device");
        if (key_ != nullptr) {
            const auto opened = make_luks_encryptor(options_.limits)->test(device_, *key_);
            if (opened) return still_there("a key slot that opens");
            report_.verified.emplace_back("the key opens nothing on the device");
        }
        if (options_.ledger == nullptr) return {};
        if (!TRY(options_.ledger->headers(VolumeUuid(report_.volume.uuid))).empty()) {
            return still_there("a copy of the header in the key manager");
        }
        report_.verified.emplace_back("the key manager keeps no copy of the header");
        for (const ErasedSecret& secret : report_.secrets) {
            if (!TRY(options_.ledger->is_destroyed(secret.id))) return still_there("secret " + secret.id.str());
            report_.verified.push_back("the key manager holds no ciphertext of secret " + secret.id.str());
        }
        return {};
    }

    Error still_there(const std::string& what) const {
        return {Code::Io, device_.str() + " is not erased: " + what + " is still there", {}};
    }

    const DevicePath& device_;
    const Passphrase* key_;
    const EraseOptions& options_;
    EraseReport report_;
};

}  // namespace

Result<EraseReport> erase_volume(const DevicePath& device, const Passphrase* key, const EraseOptions& options) {
    return Erasure(device, key, options).run();
}

}  // namespace sallyport::volume
