#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "integrations/object/key_source.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::object {

/// The root secrets of one cluster, by id; "" stands for the secret with no id. One of them encrypts; all of them read,
/// so none may be dropped while an object, its metadata or a listing row is under it.
///
/// Immutable after creation, so any number of threads may read it.
class RootSecrets final : public KeySource {
public:
    struct Entry {
        std::string id;
        SecureBytes secret;
    };

    /// Error: `InvalidInput` if a secret has under 32 bytes, an id stands twice, or none has the id `active`.
    static Result<RootSecrets> create(std::vector<Entry> entries, std::string active,
                                      MetaVersion version_to_write = MetaVersion::V2);

    const std::string& active() const override { return active_; }
    MetaVersion version_to_write() const override { return version_to_write_; }
    std::vector<std::string> ids() const override;
    Result<SecureBytes> derive(const std::string& secret_id, std::string_view path) const override;
    /// nullptr for an unknown id.
    const SecureBytes* find(const std::string& id) const;

private:
    RootSecrets() = default;

    std::map<std::string, SecureBytes> secrets_;
    std::string active_;
    MetaVersion version_to_write_ = MetaVersion::V2;
};

}  // namespace sallyport::object
