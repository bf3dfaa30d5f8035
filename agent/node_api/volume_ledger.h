#pragma once

#include <optional>
#include <string>
#include <utility>

#include "integrations/volume/ledger.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::node_api {

/// The key manager's knowledge of volumes with the rights of one caller, for one request. All must outlive it.
class VolumeLedger final : public volume::Ledger {
public:
    /// `host` is this machine's name, beside which paths of devices are kept.
    VolumeLedger(core::Volumes& volumes, const core::Caller& caller, const std::string& host)
        : volumes_(volumes), caller_(caller), host_(host) {}

    /// What others call the volume whose secret is to be destroyed: a consumer of that name is the volume itself. Its
    /// LUKS uuid if nothing else is said.
    void set_registered_name(std::string name) { registered_name_ = std::move(name); }

    Result<std::optional<model::VolumeRecord>> find(const model::VolumeUuid& uuid) override;
    Result<std::optional<model::VolumeRecord>> find_on(const volume::DevicePath& device) override;
    Result<void> put(const model::VolumeRecord& record) override;
    Result<void> forget(const model::VolumeUuid& uuid) override;
    Result<model::HeaderVersion> keep_header(const model::VolumeUuid& uuid, const volume::DevicePath& device,
                                             const std::string& reason, std::span<const std::byte> copy) override;
    Result<std::vector<model::HeaderVersion>> headers(const model::VolumeUuid& uuid) override;
    Result<Bytes> header(const model::VolumeUuid& uuid, int version) override;
    Result<long> destroy_headers_before(const model::VolumeUuid& uuid, int version) override;
    Result<void> may_destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) override;
    Result<long> destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) override;
    Result<bool> is_destroyed(const SecretId& secret) override;

private:
    core::Volumes& volumes_;
    const core::Caller& caller_;
    const std::string& host_;
    std::optional<std::string> registered_name_;
};

}  // namespace sallyport::node_api
