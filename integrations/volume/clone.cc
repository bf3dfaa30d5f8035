#include "integrations/volume/clone.h"

#include <optional>
#include <string>
#include <utility>

#include "integrations/volume/device_users.h"
#include "integrations/volume/file.h"
#include "integrations/volume/header_backup.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/probe.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

using model::VolumeChange;
using model::VolumeRecord;

Result<LuksFacts> facts_of(const DevicePath& device) {
    const File file = TRY(File::open(device, File::Access::Read));
    VolumeFacts facts = TRY(probe(file));
    if (facts.content != Content::Luks) return not_luks(file.name(), facts);
    return std::move(*facts.luks);
}

Result<void> check_not_the_source(const DevicePath& device, const std::string& uuid, Ledger& ledger) {
    const auto seen = TRY(ledger.find_on(device));
    if (!seen || seen->uuid.str() != uuid) return {};
    return Error{Code::Refused,
                 device.str() + " is where volume " + uuid +
                     " itself was seen last: name its clone, or force it if this is the clone",
                 {}};
}

/// From here on the record says what is going on, and which secret opens the clone.
Result<void> note(const DevicePath& device, const HeaderBackup& header, const CloneOptions& options) {
    const auto known = TRY(options.ledger.find(options.uuid));
    if (known && known->secret && *known->secret != options.source_secret && *known->secret != options.own_secret) {
        return Error{Code::Conflict,
                     "the key manager knows volume " + options.uuid.str() + " already, with secret " +
                         known->secret->str() + ": it is another volume than this clone",
                     {}};
    }
    VolumeRecord record = known.value_or(VolumeRecord{.uuid = options.uuid, .project = {}});
    record.secret = options.source_secret;
    record.next_secret = options.own_secret;
    record.change = VolumeChange::Rotation;
    record.device = device.str();
    TRY(options.ledger.put(record));
    if (!options.keep_copies) return {};
    TRY(options.ledger.keep_header(options.uuid, device, "clone", packed(header)));
    return {};
}

Result<void> give_uuid(const DevicePath& device, const Passphrase& source_key, const Passphrase& own_key,
                       const CloneOptions& options) {
    if (TRY(facts_of(device)).uuid == options.uuid.str()) return {};
    // Whoever uses it knows it by its uuid.
    TRY(File::open(device, File::Access::Exclusive));
    File file = TRY(File::open(device, File::Access::Write));
    TRY(file.lock_header());
    const VolumeFacts facts = TRY(probe(file));
    if (!facts.luks) return not_luks(file.name(), facts);
    if (!facts.luks->requirements.empty()) {
        return Error{
            Code::Conflict, device.str() + " asks for " + joined(facts.luks->requirements) + ": finish that first", {}};
    }
    LuksDevice luks = TRY(LuksDevice::load(file.proc_path(), device.str(), facts.luks->version, options.limits));
    if (TRY(luks.slots_opened_by(source_key)).empty() && TRY(luks.slots_opened_by(own_key)).empty()) {
        return Error{Code::WrongKey, "the source's key opens no key slot of " + device.str() + ": it is no clone", {}};
    }
    if (!options.force) TRY(check_not_the_source(device, facts.luks->uuid, options.ledger));
    TRY(note(device, TRY(read_header_backup(file, device.str())), options));
    log_info("{}, a clone of volume {}, becomes volume {}", device.str(), facts.luks->uuid, options.uuid.str());
    TRY(luks.set_uuid(options.uuid.str()));
    TRY(file.sync());
    file.drop_cache();
    const VolumeFacts after = TRY(probe(file));
    if (after.luks && after.luks->uuid == options.uuid.str()) return {};
    return Error{Code::Io, device.str() + " did not keep the uuid that was written to it", {}};
}

}  // namespace

Result<RotateReport> rekey_clone(const DevicePath& device, const Passphrase& source_key, const Passphrase& own_key,
                                 const CloneOptions& options) {
    TRY(give_uuid(device, source_key, own_key, options));
    return rotate_key(device, source_key, own_key,
                      {.ledger = &options.ledger,
                       .old_secret = options.source_secret,
                       .new_secret = options.own_secret,
                       .keep_copies = options.keep_copies,
                       .limits = options.limits});
}

}  // namespace sallyport::volume
