#include "integrations/volume/rotate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "integrations/volume/device_users.h"
#include "integrations/volume/file.h"
#include "integrations/volume/header_backup.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/probe.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

using model::VolumeChange;
using model::VolumeRecord;
using model::VolumeUuid;

Error another_secret(const VolumeRecord& record, const std::string& device) {
    return {Code::Conflict,
            "the key manager's record of volume " + record.uuid.str() + " names secret " + record.secret->str() +
                (record.next_secret ? ", being replaced by " + record.next_secret->str() : std::string()) +
                ", neither of those given: name these, or, if " + device +
                " is a clone, give it a uuid of its own (cryptsetup luksUUID)",
            {}};
}

/// One rotation on a real device.
class DeviceSite final : public RotationSite {
public:
    DeviceSite(File file, const DevicePath& device, const Passphrase& old_key, const Passphrase& new_key,
               const RotateOptions& options)
        : file_(std::move(file)), device_(device), old_key_(old_key), new_key_(new_key), options_(options) {}

    Result<RotationSight> look() override {
        file_.drop_cache();
        LuksDevice luks = TRY(load());
        RotationSight sight;
        old_slots_ = TRY(luks.slots_opened_by(old_key_));
        report_.key_slots = TRY(luks.slots_opened_by(new_key_));
        sight.old_opens = !old_slots_.empty();
        sight.new_opens = !report_.key_slots.empty();
        if (!sight.old_opens && !sight.new_opens) {
            return Error{
                Code::WrongKey, "neither the old key nor the new one opens a key slot of " + device_.str(), {}};
        }
        TRY(look_at_ledger(sight));
        return sight;
    }

    Result<void> perform(RotationStep step) override {
        log_info("rotating the key of {}: {}", device_.str(), text_of(step));
        report_.done.push_back(step);
        switch (step) {
            case RotationStep::RecordIntent:
                return put(options_.old_secret, options_.new_secret, VolumeChange::Rotation);
            case RotationStep::KeepCopy: TRY(keep_header_of(device_, *options_.ledger, "rotate")); return {};
            case RotationStep::AddNew: return add_new();
            case RotationStep::SwitchRecord: return put(options_.new_secret, {}, VolumeChange::Rotation);
            case RotationStep::RemoveOld: return remove_old();
            case RotationStep::DropOldCopies: return drop_old_copies();
            case RotationStep::FinishRecord: return put(options_.new_secret, {}, VolumeChange::None);
            case RotationStep::Done: return {};
        }
        return {};
    }

    const RotateReport& report() const { return report_; }

private:
    Result<LuksDevice> load() {
        const VolumeFacts facts = TRY(probe(file_));
        if (facts.content != Content::Luks) return not_luks(file_.name(), facts);
        if (!facts.luks->requirements.empty()) {
            return Error{Code::Conflict,
                         device_.str() + " asks for " + joined(facts.luks->requirements) +
                             ": it is being re-encrypted; finish that first (sallyport volume reencrypt)",
                         {}};
        }
        report_.uuid = facts.luks->uuid;
        return LuksDevice::load(file_.proc_path(), device_.str(), facts.luks->version, options_.limits);
    }

    Result<void> look_at_ledger(RotationSight& sight) {
        if (options_.ledger == nullptr) return {};
        const VolumeUuid uuid(report_.uuid);
        record_ = TRY(options_.ledger->find(uuid));
        sight.record = TRY(recorded_key());
        if (!options_.keep_copies) return {};
        const auto kept = TRY(options_.ledger->headers(uuid));
        const HeaderBackup now = TRY(read_header_backup(file_, device_.str()));
        sight.copy_is_current = !kept.empty() && kept.front().digest == TRY(digest_of(now));
        sight.has_older_copies = kept.size() > 1;
        return {};
    }

    Result<RecordedKey> recorded_key() const {
        if (!record_ || !record_->secret) return RecordedKey::Unknown;
        if (record_->change == VolumeChange::Reencryption) {
            return Error{Code::Conflict,
                         device_.str() + " is being re-encrypted: finish that first (sallyport volume reencrypt)",
                         {}};
        }
        if (record_->change == VolumeChange::Erasure) {
            return Error{Code::Conflict, device_.str() + " is being erased: finish that (sallyport volume erase)", {}};
        }
        if (*record_->secret == options_.new_secret) {
            return record_->change == VolumeChange::Rotation ? RecordedKey::Switched : RecordedKey::New;
        }
        if (*record_->secret != options_.old_secret) return another_secret(*record_, device_.str());
        if (record_->change != VolumeChange::Rotation) return RecordedKey::Old;
        if (record_->next_secret == options_.new_secret) return RecordedKey::OldToNew;
        // A rotation to a third key was given up; its slot, if there is one, stays until that key is rotated away.
        return RecordedKey::Old;
    }

    Result<void> put(const SecretId& secret, const std::optional<SecretId>& next, VolumeChange change) {
        VolumeRecord record = record_.value_or(VolumeRecord{.uuid = VolumeUuid(report_.uuid), .project = {}});
        record.secret = secret;
        record.next_secret = next;
        record.change = change;
        record.device = device_.str();
        return options_.ledger->put(record);
    }

    Result<void> add_new() {
        LuksDevice luks = TRY(load());
        const UnlockProfile profile =
            new_key_.random_bits() >= 256 ? UnlockProfile::RandomKey : UnlockProfile::Passphrase;
        TRY(luks.add_slot(old_key_, new_key_, profile));
        return file_.sync();
    }

    Result<void> remove_old() {
        LuksDevice luks = TRY(load());
        for (const int slot : old_slots_) TRY(luks.destroy_slot(slot));
        return file_.sync();
    }

    /// Only once the newest copy itself, as it comes back from the key manager, is known to open with the new key.
    Result<void> drop_old_copies() {
        const VolumeUuid uuid(report_.uuid);
        const auto kept = TRY(options_.ledger->headers(uuid));
        const HeaderBackup newest = TRY(kept_header(*options_.ledger, uuid, kept.front().version));
        TRY(opens(newest));
        TRY(options_.ledger->destroy_headers_before(uuid, kept.front().version));
        return {};
    }

    Result<void> opens(const HeaderBackup& backup) const {
        constexpr std::uint64_t Room = 2 * 1024 * 1024;
        File image = TRY(File::in_memory(std::max(backup.facts.data_offset, backup.facts.metadata_size) + Room));
        for (const HeaderBackup::Extent& extent : backup.extents) TRY(image.write(extent.offset, extent.bytes));
        LuksDevice luks = TRY(LuksDevice::load(image.proc_path(), "the kept header of " + device_.str(),
                                               backup.facts.version, options_.limits));
        TRY(luks.unlock(new_key_, nullptr, 0));
        return {};
    }

    File file_;
    const DevicePath& device_;
    const Passphrase& old_key_;
    const Passphrase& new_key_;
    const RotateOptions& options_;
    std::optional<VolumeRecord> record_;
    std::vector<int> old_slots_;
    RotateReport report_;
};

}  // namespace

Result<RotateReport> rotate_key(const DevicePath& device, const Passphrase& old_key, const Passphrase& new_key,
                                const RotateOptions& options) {
    if (equal_in_constant_time(old_key.text().reveal(), new_key.text().reveal()) ||
        (options.ledger != nullptr && options.old_secret == options.new_secret)) {
        return Error{Code::InvalidInput, "the new key is the old one", {}};
    }
    File file = TRY(File::open(device, File::Access::Write));
    TRY(file.lock_header());
    DeviceSite site(std::move(file), device, old_key, new_key, options);
    TRY(carry_out_rotation(site, options.keep_old ? RotationStep::RemoveOld : RotationStep::Done));
    return site.report();
}

}  // namespace sallyport::volume
