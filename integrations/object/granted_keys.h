#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "integrations/object/key_source.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::object {

/// The paths whose keys a request may need, whatever the version of its key_ids: the container's, the object's, and the
/// object's bare name if that begins with a slash (version 1 derived from it).
std::vector<std::string> key_paths(const ObjectPath& request);

/// What the holder of root secrets hands out: for each secret, the keys of the paths that were asked for. Locked memory
/// from end to end, so bytes rather than JSON:
///
///     1 byte   1, the version of this layout
///     1 byte   the version of key_ids to write (1, 2 or 3)
///     2 bytes  number of secrets, big-endian; the active one comes first
///     2 bytes  number of paths
///     for each secret: 2 bytes length of its id, the id, then 32 bytes for each path in the order of the question
///
/// Error: as KeySource::derive; `TooLarge` for over 65535 of anything.
Result<SecureBytes> grant(const KeySource& source, const std::vector<std::string>& paths);

/// The keys of one request, as far as they have been granted. Who needs another one gets `Unavailable`, and its path is
/// noted as missing. Goes with the request: nothing here is ever served to another one. Not thread-safe.
class GrantedKeys final : public KeySource {
public:
    const std::string& active() const override { return active_; }
    MetaVersion version_to_write() const override { return version_; }
    std::vector<std::string> ids() const override { return ids_; }
    Result<SecureBytes> derive(const std::string& secret_id, std::string_view path) const override;

    /// Takes in what grant() made for `paths`. Error: `Corrupt` if it is not that; then nothing is taken.
    Result<void> add(const std::vector<std::string>& paths, std::span<const std::byte> granted);
    /// The paths that were needed since the last add() and are not there.
    const std::vector<std::string>& missing() const { return missing_; }

private:
    using Name = std::pair<std::string, std::string>;  // of the secret, of the path

    std::string active_;
    MetaVersion version_ = MetaVersion::V2;
    std::vector<std::string> ids_;
    std::map<Name, SecureBytes> keys_;
    mutable std::vector<std::string> missing_;
};

}  // namespace sallyport::object
