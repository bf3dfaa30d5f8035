#include "integrations/volume/header_care.h"

#include <utility>

#include "integrations/volume/luks_device.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/probe.h"

namespace sallyport::volume {
namespace {

model::VolumeUuid uuid_of(const HeaderBackup& backup) { return model::VolumeUuid(backup.facts.uuid); }

/// The device holds what `backup` may replace without losing anything.
Result<void> fits(const HeaderBackup& backup, const File& device, bool force) {
    const LuksFacts& kept = backup.facts;
    const HeaderBackup::Extent& last = backup.extents.back();
    if (device.size() < last.offset + last.bytes.size() || device.size() < kept.data_offset) {
        return Error{Code::InvalidInput, device.name() + " is smaller than the header that is to be put on it", {}};
    }
    if (force) return {};
    const auto found = probe(device);
    if (!found) {
        if (found.error().code == Code::Corrupt) return {};
        return found.error();
    }
    switch (found->content) {
        case Content::Luks: break;
        case Content::Blank:
        case Content::UnknownData: return {};
        case Content::InterruptedFormat:
        case Content::FileSystem:
        case Content::PartitionTable:
        case Content::Signature:
        case Content::DiskImage:
            return Error{
                Code::Refused, device.name() + " holds " + found->what + "; put a header there only with force", {}};
    }
    const LuksFacts& there = *found->luks;
    if (!there.requirements.empty()) {
        return Error{Code::Refused,
                     device.name() +
                         " is being re-encrypted: with another header what was re-encrypted is lost; finish "
                         "it (sallyport volume reencrypt), or put the header there with force",
                     {}};
    }
    if (there.uuid != kept.uuid) {
        return Error{Code::Refused,
                     device.name() + " holds volume " + there.uuid + ", and the header is that of volume " + kept.uuid +
                         "; put it there only with force",
                     {}};
    }
    if (there.data_offset != kept.data_offset) {
        return Error{Code::Refused,
                     device.name() + " has its data at byte " + std::to_string(there.data_offset) +
                         ", and the header says " + std::to_string(kept.data_offset) + "; put it there only with force",
                     {}};
    }
    return {};
}

Result<void> note_place(const model::VolumeUuid& uuid, const DevicePath& device, Ledger& ledger) {
    model::VolumeRecord record = TRY(ledger.find(uuid))
    .value_or(model::VolumeRecord{.uuid = uuid, .project = {}});
    if (record.device == device.str()) return {};
    record.device = device.str();
    return ledger.put(record);
}

}  // namespace

Result<HeaderBackup> header_of(const DevicePath& device) {
    const File file = TRY(File::open(device, File::Access::Read));
    const VolumeFacts facts = TRY(probe(file));
    if (facts.content == Content::DiskImage && facts.luks) {
        return Error{Code::InvalidInput, file.name() + " keeps its LUKS header inside a disk image: " + facts.what, {}};
    }
    if (facts.content != Content::Luks) return not_luks(file.name(), facts);
    file.drop_cache();
    return read_header_backup(file, file.name());
}

Result<model::HeaderVersion> keep_header_of(const DevicePath& device, Ledger& ledger, const std::string& reason) {
    const HeaderBackup backup = TRY(header_of(device));
    TRY(note_place(uuid_of(backup), device, ledger));
    return ledger.keep_header(uuid_of(backup), device, reason, packed(backup));
}

Result<std::optional<model::HeaderVersion>> keep_doomed_header(const DevicePath& device, Ledger& ledger,
                                                               const std::string& reason) {
    const auto there = header_of(device);
    if (!there) {
        if (there.error().code == Code::InvalidInput || there.error().code == Code::Corrupt)
            return std::optional<model::HeaderVersion>();
        return there.error();
    }
    const model::VolumeUuid uuid = uuid_of(*there);
    // Without a record its copies would belong to nobody.
    if (!TRY(ledger.find(uuid))) TRY(note_place(uuid, device, ledger));
    return std::optional(TRY(ledger.keep_header(uuid, device, reason, packed(*there))));
}

Result<HeaderBackup> kept_header(Ledger& ledger, const model::VolumeUuid& uuid, int version) {
    return unpacked(TRY(ledger.header(uuid, version)), "volume " + uuid.str());
}

Result<model::VolumeUuid> volume_on(const DevicePath& device, Ledger& ledger) {
    if (const auto there = header_of(device)) return uuid_of(*there);
    const auto record = TRY(ledger.find_on(device));
    if (record) return record->uuid;
    return Error{
        Code::NotFound,
        "nobody knows which volume is on " + device.str() + ": it has no header that can be read; name the uuid",
        {}};
}

Result<RestoreReport> restore_header(const HeaderBackup& backup, const DevicePath& device, Ledger* ledger, bool force) {
    File file = TRY(File::open(device, File::Access::Write));
    TRY(file.lock_header());
    TRY(fits(backup, file, force));
    RestoreReport report{backup.facts.uuid, {}};
    if (ledger != nullptr) {
        // A header that is whole is kept as what it is, all its slots; of a damaged one what is about to be
        // overwritten.
        auto whole = read_header_backup(file, file.name());
        const HeaderBackup replaced = whole ? *std::move(whole) : TRY(what_it_replaces(backup, file));
        const auto kept = TRY(ledger->keep_header(uuid_of(replaced), device, "before restore", packed(replaced)));
        report.replaced_version = kept.version;
    }
    TRY(put_header(backup, file));
    if (ledger != nullptr) TRY(keep_header_of(device, *ledger, "restored"));
    return report;
}

std::string_view text_of(HeaderHealth health) {
    switch (health) {
        case HeaderHealth::Same: return "same";
        case HeaderHealth::Changed: return "changed";
        case HeaderHealth::NoCopy: return "no_copy";
        case HeaderHealth::Damaged: return "damaged";
        case HeaderHealth::Absent: return "absent";
    }
    return {};
}

HeaderCheck check_header(const model::VolumeRecord& record, const std::optional<model::HeaderVersion>& newest) {
    const DevicePath device(record.device);
    const auto file = File::open(device, File::Access::Read);
    if (!file) {
        if (file.error().code == Code::NotFound) return {HeaderHealth::Absent, file.error().message};
        return {HeaderHealth::Damaged, file.error().message};
    }
    const auto there = read_header_backup(*file, file->name());
    if (!there) return {HeaderHealth::Damaged, there.error().message};
    if (there->facts.uuid != record.uuid.str()) {
        return {HeaderHealth::Absent, device.str() + " holds another volume, " + there->facts.uuid};
    }
    for (const HeaderCopy& copy : there->facts.header_copies) {
        if (copy.state == HeaderCopyState::Good) continue;
        return {HeaderHealth::Damaged, device.str() + ": the " + copy.name + " copy of its header is damaged"};
    }
    if (!newest) return {HeaderHealth::NoCopy, "the key manager keeps no copy of the header of " + device.str()};
    const auto digest = digest_of(*there);
    if (!digest) return {HeaderHealth::Damaged, digest.error().message};
    if (*digest != newest->digest) {
        return {HeaderHealth::Changed, "the header of " + device.str() + " was changed since version " +
                                           std::to_string(newest->version) + " of it was kept"};
    }
    return {HeaderHealth::Same, {}};
}

}  // namespace sallyport::volume
