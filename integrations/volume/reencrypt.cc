#include "integrations/volume/reencrypt.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "integrations/volume/device_users.h"
#include "integrations/volume/file.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/probe.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;
using model::VolumeChange;
using model::VolumeRecord;
using model::VolumeUuid;

/// A block device is `wanted`, or lies on it through any number of others: while a volume is re-encrypted its mapping
/// has libcryptsetup's helpers below it, which a killed process leaves there.
bool lies_on(const fs::path& device, const fs::path& wanted) {
    if (device == wanted) return true;
    std::error_code failed;
    for (const auto& below : fs::directory_iterator("/sys/class/block" / device.filename() / "slaves", failed)) {
        if (lies_on("/dev" / below.path().filename(), wanted)) return true;
    }
    return false;
}

/// The mapping through which the volume is in use, if it is.
Result<std::optional<MappingName>> mapping_of(const File& file, const LuksFacts& facts) {
    if (!file.is_block_device()) return std::optional<MappingName>();
    std::error_code failed;
    const fs::path real = fs::canonical(file.name(), failed);
    std::string uuid = facts.uuid;
    std::erase(uuid, '-');
    auto mappings = TRY(make_luks_encryptor()->mappings());
    for (Mapping& mapping : mappings) {
        if (mapping.uuid == uuid && lies_on(mapping.device.str(), real)) return std::optional(std::move(mapping.name));
    }
    return std::optional<MappingName>();
}

class Reencryption {
public:
    Reencryption(const DevicePath& device, const Passphrase& key, const ReencryptOptions& options)
        : device_(device), key_(key), options_(options) {}

    Result<ReencryptReport> run() {
        File file = TRY(File::open(device_, File::Access::Write));
        TRY(file.lock_header());
        LuksFacts facts = TRY(facts_of(file));
        report_.uuid = facts.uuid;
        report_.continued = !facts.requirements.empty();
        report_.mapping = TRY(mapping_of(file, facts));
        if (!report_.mapping) TRY(file.lock_users_out());
        if (report_.mapping && !options_.in_use) {
            return Error{Code::Conflict,
                         device_.str() + " is in use as mapping " + report_.mapping->str() +
                             ": close it first, or say that it may be re-encrypted in use (--in-use)",
                         {}};
        }
        if (TRY(was_finished_before(facts))) return finish(file);
        if (!report_.continued) TRY(begin(file, facts));
        for (;;) {
            file.drop_cache();
            facts = TRY(facts_of(file));
            if (facts.reencryption_is_over) {
                log_info("{}: all is re-encrypted; what is left is to say so in its header", device_.str());
                TRY(finish_luks2_reencryption(file, facts));
                break;
            }
            if (facts.requirements.empty()) break;
            if (!TRY(work(file, facts))) return std::move(report_);
        }
        return finish(file);
    }

private:
    Result<LuksFacts> facts_of(const File& file) const {
        VolumeFacts facts = TRY(probe(file));
        if (facts.content != Content::Luks) return not_luks(file.name(), facts);
        const char* instead = ": copy it (sallyport volume decrypt, encrypt)";
        if (facts.luks->version == LuksVersion::Luks1) {
            return Error{Code::InvalidInput,
                         device_.str() + " is LUKS1, which cannot be re-encrypted in place" + instead +
                             ", or convert its header first (cryptsetup convert)",
                         {}};
        }
        if (facts.luks->data_offset == 0) {
            return Error{
                Code::InvalidInput,
                device_.str() + " is a detached header, whose volume cannot be re-encrypted in place" + instead,
                {}};
        }
        return std::move(*facts.luks);
    }

    Result<LuksDevice> load(const File& file, const LuksFacts& facts) const {
        // device-mapper is given the name that it knows the device by.
        const std::string path = file.is_block_device() ? device_.str() : file.proc_path();
        return LuksDevice::load(path, device_.str(), facts.version, options_.limits);
    }

    LuksDevice::Reencryption how(File& file) {
        return {.mapping = report_.mapping ? &*report_.mapping : nullptr,
                .zone = options_.zone,
                .more = [this, &file](std::uint64_t done, std::uint64_t total) {
                    report_.done = done;
                    report_.total = total;
                    // libcryptsetup does not look at what its own flush of a header says.
                    flushed_ = file.sync();
                    return flushed_ && (!options_.more || options_.more(done, total));
                }};
    }

    /// False if it was stopped; true if the header is to be looked at again.
    Result<bool> work(File& file, const LuksFacts& facts) {
        LuksDevice luks = TRY(load(file, facts));
        const auto outcome = TRY(luks.go_on_reencrypting(key_, how(file)));
        TRY(flushed_);
        TRY(file.sync());
        switch (outcome) {
            case LuksDevice::Reencrypted::Wholly:
            case LuksDevice::Reencrypted::Mended: return true;
            case LuksDevice::Reencrypted::InPart: return false;
        }
        return false;
    }

    /// The record says that one was begun, and the data has another key than then.
    Result<bool> was_finished_before(const LuksFacts& facts) {
        if (options_.ledger == nullptr) return false;
        record_ = TRY(options_.ledger->find(VolumeUuid(facts.uuid)))
        .value_or(VolumeRecord{.uuid = VolumeUuid(facts.uuid), .project = {}});
        switch (record_.change) {
            case VolumeChange::None: return false;
            case VolumeChange::Rotation:
                return Error{Code::Conflict, device_.str() + ": finish the rotation of its key first", {}};
            case VolumeChange::Erasure: return Error{Code::Conflict, device_.str() + " is being erased", {}};
            case VolumeChange::Reencryption: break;
        }
        report_.continued = report_.continued || record_.note != facts.volume_key_digest;
        return facts.requirements.empty() && record_.note != facts.volume_key_digest;
    }

    /// Slots of others cannot be made for a new volume key without their keys; what is to be lost is kept.
    Result<void> begin(File& file, const LuksFacts& facts) {
        LuksDevice luks = TRY(load(file, facts));
        const std::vector<int> ours = TRY(luks.slots_opened_by(key_));
        if (ours.empty()) return Error{Code::WrongKey, "this key opens no key slot of " + device_.str(), {}};
        std::vector<std::string> others;
        for (const int slot : luks.active_slots()) {
            if (std::ranges::find(ours, slot) == ours.end()) others.push_back(std::to_string(slot));
        }
        if (!others.empty()) {
            return Error{Code::Conflict,
                         device_.str() + ": key slots " + joined(others) +
                             " are opened by other keys and would be lost; remove them first (cryptsetup "
                             "luksKillSlot), and add them again afterwards",
                         {}};
        }
        if (options_.ledger != nullptr) TRY(note(facts));
        if (auto begun = luks.begin_reencryption(key_, how(file)); !begun) {
            TRY(note_change(VolumeChange::None, {}));
            return begun.error();
        }
        // Which has both volume keys: with it and the one from before all of the data can be decrypted.
        if (options_.ledger != nullptr && options_.keep_copies) {
            TRY(keep_header_of(device_, *options_.ledger, "reencrypting"));
        }
        return {};
    }

    Result<void> note(const LuksFacts& facts) {
        if (record_.secret && *record_.secret != options_.secret) {
            return Error{Code::Conflict,
                         "the key manager's record of volume " + facts.uuid + " names secret " + record_.secret->str(),
                         {}};
        }
        if (options_.keep_copies) TRY(keep_header_of(device_, *options_.ledger, "reencrypt"));
        record_.secret = options_.secret;
        return note_change(VolumeChange::Reencryption, facts.volume_key_digest);
    }

    Result<void> note_change(VolumeChange change, const std::string& digest) {
        if (options_.ledger == nullptr) return {};
        record_.change = change;
        record_.note = digest;
        record_.device = device_.str();
        return options_.ledger->put(record_);
    }

    /// Copies of the header from before hold the old volume key: put back, they would make noise of the data.
    Result<ReencryptReport> finish(const File& file) {
        file.drop_cache();
        const LuksFacts facts = TRY(facts_of(file));
        {
            LuksDevice luks = TRY(load(file, facts));
            TRY(luks.unlock(key_, nullptr, 0));
        }
        report_.finished = true;
        log_info("{} has another volume key", device_.str());
        if (options_.ledger == nullptr) return std::move(report_);
        if (options_.keep_copies) {
            const auto kept = TRY(keep_header_of(device_, *options_.ledger, "reencrypted"));
            TRY(options_.ledger->destroy_headers_before(kept.uuid, kept.version));
        }
        TRY(note_change(VolumeChange::None, {}));
        return std::move(report_);
    }

    const DevicePath& device_;
    const Passphrase& key_;
    const ReencryptOptions& options_;
    VolumeRecord record_;
    Result<void> flushed_{};
    ReencryptReport report_;
};

}  // namespace

Result<ReencryptReport> reencrypt_volume(const DevicePath& device, const Passphrase& key,
                                         const ReencryptOptions& options) {
    if (options.zone == 0 || options.zone % ReencryptOptions::MiB != 0 || options.zone > ReencryptOptions::MaxZone) {
        return Error{Code::InvalidInput,
                     "a zone has 1 to " + std::to_string(ReencryptOptions::MaxZone / ReencryptOptions::MiB) + " MiB",
                     {}};
    }
    return Reencryption(device, key, options).run();
}

}  // namespace sallyport::volume
