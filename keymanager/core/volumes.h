#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/volume.h"

namespace sallyport::core {

struct Context;

/// What the key manager keeps of encrypted volumes: which secret opens which, how far a change of it has come, and
/// copies of their headers. Headers are no secrets (their key material is encrypted), but with a volume's secret they
/// are its key: a copy is encrypted under a key of its own, which the project's key wraps, and bound to volume and
/// version of its rows.
///
/// Thread-safe. Calls block. Each asks "volume:manage" about the volume's project, that of the caller if there is no
/// record yet.
class Volumes {
public:
    explicit Volumes(const Context& context) : context_(context) {}

    Result<std::optional<model::VolumeRecord>> find(const Caller& caller, const model::VolumeUuid& uuid) const;
    Result<std::optional<model::VolumeRecord>> find_on(const Caller& caller, const std::string& host,
                                                       const std::string& device) const;
    /// Durable when it returns. The project is the caller's for a new record, and stays what it is.
    Result<void> put(const Caller& caller, model::VolumeRecord record) const;
    Result<void> forget(const Caller& caller, const model::VolumeUuid& uuid) const;

    /// Keeps a copy of a header as the newest version, unless the newest is the same. `facts` says all but version,
    /// digest and size.
    Result<model::HeaderVersion> keep_header(const Caller& caller, const model::HeaderVersion& facts,
                                             std::span<const std::byte> copy) const;
    /// Newest first.
    Result<std::vector<model::HeaderVersion>> headers(const Caller& caller, const model::VolumeUuid& uuid) const;
    /// Error: `NotFound`; `Corrupt` if it is not what was kept.
    Result<Bytes> header(const Caller& caller, const model::VolumeUuid& uuid, int version) const;
    /// Ciphertext and keys of the versions before `version` go for good; answers how many there were.
    Result<long> destroy_headers_before(const Caller& caller, const model::VolumeUuid& uuid, int version) const;

    /// What destroy_secret asks, and nothing else.
    Result<void> may_destroy_secret(const Caller& caller, const SecretId& id, const std::string& consumer) const;
    /// Removes all ciphertext of a secret, also of one that was deleted before: nothing brings it back. Asks
    /// "secret:delete". Answers how many ciphertexts were removed. Error: `Conflict` if it has a consumer but
    /// `consumer` (the resource's id).
    Result<long> destroy_secret(const Caller& caller, const SecretId& id, const std::string& consumer) const;
    /// True if no ciphertext of the secret is left.
    Result<bool> is_destroyed(const SecretId& id) const;

    /// For the agent itself, which asks no policy: the records of a host, and a volume's newest copy.
    Result<std::vector<model::VolumeRecord>> known_on(const std::string& host) const;
    Result<std::optional<model::HeaderVersion>> newest_header(const model::VolumeUuid& uuid) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
