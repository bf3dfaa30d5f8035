#pragma once

#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::core {

struct Context;

/// What a volume type says of its encryption (Cinder's `encryption`).
struct VolumeCipher {
    std::string cipher = "aes-xts-plain64";  ///< the key's algorithm is the word before the first '-', as Cinder has it
    int key_bits = 256;
};

/// The keys of volumes as Cinder keeps them: one key a volume, ordered when the volume is made, deleted with it. Beyond
/// that each is registered with its volume as a consumer (service "cinder", resource type "volume", the volume's id),
/// so that nobody deletes it by mistake and the volume's key can be found.
///
/// Errors beside those named: those of orders, consumers and secrets.
class VolumeKeys {
public:
    explicit VolumeKeys(const Context& context) : context_(context) {}

    /// Orders and registers a key in one transaction. Error: `Conflict` naming the key if the volume has one in this
    /// project; `InvalidInput` for a cipher or size for which no key can be made.
    Result<SecretId> create(const Caller& caller, const std::string& volume, const VolumeCipher& cipher) const;
    /// Another key of the same kind as `source`, for a clone of its volume. A clone never shares a key: whoever may
    /// read one volume could read the other. One that `volume` has already is given back, so that a clone that was
    /// interrupted goes on.
    Result<SecretId> create_like(const Caller& caller, const SecretId& source, const std::string& volume) const;
    /// Takes the volume off the key and deletes it. Error: `Conflict` that names them if others are registered with it
    /// (nothing is changed then); `NotFound` if it is no key of this volume.
    Result<void> remove(const Caller& caller, const SecretId& key, const std::string& volume) const;
    /// Keys of the caller's project that are registered with the volume, oldest first.
    Result<std::vector<SecretId>> find(const Caller& caller, const std::string& volume) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
