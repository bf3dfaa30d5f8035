#include "agent/node_api/volume_ledger.h"

namespace sallyport::node_api {

Result<std::optional<model::VolumeRecord>> VolumeLedger::find(const model::VolumeUuid& uuid) {
    return volumes_.find(caller_, uuid);
}

Result<std::optional<model::VolumeRecord>> VolumeLedger::find_on(const volume::DevicePath& device) {
    return volumes_.find_on(caller_, host_, device.str());
}

Result<void> VolumeLedger::put(const model::VolumeRecord& record) {
    model::VolumeRecord here = record;
    here.host = host_;
    return volumes_.put(caller_, std::move(here));
}

Result<void> VolumeLedger::forget(const model::VolumeUuid& uuid) { return volumes_.forget(caller_, uuid); }

Result<model::HeaderVersion> VolumeLedger::keep_header(const model::VolumeUuid& uuid, const volume::DevicePath& device,
                                                       const std::string& reason, std::span<const std::byte> copy) {
    model::HeaderVersion facts;
    facts.uuid = uuid;
    facts.reason = reason;
    facts.host = host_;
    facts.device = device.str();
    return volumes_.keep_header(caller_, facts, copy);
}

Result<std::vector<model::HeaderVersion>> VolumeLedger::headers(const model::VolumeUuid& uuid) {
    return volumes_.headers(caller_, uuid);
}

Result<Bytes> VolumeLedger::header(const model::VolumeUuid& uuid, int version) {
    return volumes_.header(caller_, uuid, version);
}

Result<long> VolumeLedger::destroy_headers_before(const model::VolumeUuid& uuid, int version) {
    return volumes_.destroy_headers_before(caller_, uuid, version);
}

Result<void> VolumeLedger::may_destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) {
    return volumes_.may_destroy_secret(caller_, secret, registered_name_.value_or(uuid.str()));
}

Result<long> VolumeLedger::destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) {
    return volumes_.destroy_secret(caller_, secret, registered_name_.value_or(uuid.str()));
}

Result<bool> VolumeLedger::is_destroyed(const SecretId& secret) { return volumes_.is_destroyed(secret); }

}  // namespace sallyport::node_api
