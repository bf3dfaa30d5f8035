#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "integrations/volume/ledger.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

struct ReencryptOptions {
    static constexpr std::uint64_t MiB = 1024 * 1024;

    Ledger* ledger = nullptr;  ///< none: without a key manager
    SecretId secret{};
    bool keep_copies = true;
    /// Also a volume that is mapped, whose users go on meanwhile. If this process is killed then, the mapping may be
    /// left suspended, with no way on for libcryptsetup but to start the machine anew (docs/operations.md).
    bool in_use = false;
    LuksLimits limits{};
    /// Bytes that are worked on at a time: as long as that takes, users of the volume wait. A whole number of MiB, up
    /// to MaxZone.
    std::uint64_t zone = 16 * MiB;
    static constexpr std::uint64_t MaxZone = 256 * MiB;
    /// Told after each zone how far it is; false stops it, and the next call goes on.
    std::function<bool(std::uint64_t done, std::uint64_t total)> more{};
};

struct ReencryptReport {
    std::string uuid;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    bool finished = false;
    bool continued = false;                ///< one that was begun before
    std::optional<MappingName> mapping{};  ///< the volume was open, and those who used it went on
};

/// Encrypts the data of a LUKS2 volume under another volume key: what a rotation does not do, and what is due when
/// somebody may have had both header and key. Stopped, killed or failed anywhere, the same call goes on, and the volume
/// opens with the same key at any time.
///
/// Error: `WrongKey`; `InvalidInput` for LUKS1, a detached header, or an impossible zone; `Conflict` if other key slots
/// would be lost (only those that `key` opens are made for the new volume key), the header has no room, the header is
/// being changed, or it is in use and `in_use` does not allow that; `Io`.
Result<ReencryptReport> reencrypt_volume(const DevicePath& device, const Passphrase& key,
                                         const ReencryptOptions& options);

}  // namespace sallyport::volume
