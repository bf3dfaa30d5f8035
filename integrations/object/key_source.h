#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::object {

/// How a key_id names the path that a key was derived from (object_keys.h).
enum class MetaVersion { V1 = 1, V2 = 2, V3 = 3 };

/// A failure to get at a key that passes (it has to be asked for first, no locked memory left) and says nothing about
/// the object.
inline bool is_passing(const Error& error) { return error.code == Code::Overloaded || error.code == Code::Unavailable; }

/// Where derived keys come from: the root secrets themselves (RootSecrets), or keys that their holder derived for one
/// request (GrantedKeys). Secrets have ids; "" stands for the one with no id.
class KeySource {
public:
    virtual ~KeySource() = default;

    /// The id of the secret that encrypts.
    virtual const std::string& active() const = 0;
    virtual MetaVersion version_to_write() const = 0;
    /// All ids, the active one first.
    virtual std::vector<std::string> ids() const = 0;
    /// HMAC-SHA256 of a path under a root secret.
    /// Error: `NotFound` if the id is unknown, `Unavailable` if the key has to be asked for first.
    virtual Result<SecureBytes> derive(const std::string& secret_id, std::string_view path) const = 0;
};

}  // namespace sallyport::object
