#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "integrations/volume/volume_facts.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/model/volume.h"

namespace sallyport::volume {

/// What a key manager keeps of volumes, as changes of a volume need it. Whoever runs them hands it in, with the rights
/// of whoever asked; without a key manager there is none, and nothing is kept.
///
/// What `put` and `keep_header` were given is durable when they return: the order of a change relies on it.
/// Errors of all: `Forbidden`, `Unavailable`.
class Ledger {
public:
    virtual ~Ledger() = default;

    virtual Result<std::optional<model::VolumeRecord>> find(const model::VolumeUuid& uuid) = 0;
    /// The volume that was seen last on a device of this machine.
    virtual Result<std::optional<model::VolumeRecord>> find_on(const DevicePath& device) = 0;
    virtual Result<void> put(const model::VolumeRecord& record) = 0;
    virtual Result<void> forget(const model::VolumeUuid& uuid) = 0;

    /// A copy of a header, as the newest version unless the newest is the same.
    virtual Result<model::HeaderVersion> keep_header(const model::VolumeUuid& uuid, const DevicePath& device,
                                                     const std::string& reason, std::span<const std::byte> copy) = 0;
    /// Newest first.
    virtual Result<std::vector<model::HeaderVersion>> headers(const model::VolumeUuid& uuid) = 0;
    virtual Result<Bytes> header(const model::VolumeUuid& uuid, int version) = 0;
    virtual Result<long> destroy_headers_before(const model::VolumeUuid& uuid, int version) = 0;

    /// Error: `Conflict` if anybody but the volume uses it.
    virtual Result<void> may_destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) = 0;
    /// Removes all that is kept of a secret; how many ciphertexts. Errors as may_destroy_secret.
    virtual Result<long> destroy_secret(const SecretId& secret, const model::VolumeUuid& uuid) = 0;
    virtual Result<bool> is_destroyed(const SecretId& secret) = 0;
};

}  // namespace sallyport::volume
