#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/ledger.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// What a volume was, noted before anything of it is destroyed: in the record, and in the first block of the device.
struct ErasedVolume {
    std::string uuid;
    LuksVersion version = LuksVersion::Luks2;
    std::string cipher;
    unsigned key_bits = 0;
    std::uint64_t size = 0;        ///< bytes of the device
    std::uint64_t header_end = 0;  ///< all before it is overwritten
    std::vector<int> key_slots;
    Timestamp begun{};
};

/// What a device says of itself (sysfs), as far as it does.
struct DeviceIdentity {
    std::string kind;  ///< "block device", "image file"
    std::string model;
    std::string serial;
    std::string wwid;
};

struct ErasedSecret {
    SecretId id;
    long ciphertexts = 0;  ///< removed by this run; one that went on after a crash finds none
};

struct EraseReport {
    ErasedVolume volume;
    std::string device;
    DeviceIdentity identity;
    std::vector<ErasedSecret> secrets;
    long header_copies = 0;               ///< removed from the key manager, by this run
    std::vector<std::string> cached{};    ///< what else was dropped, for people
    std::vector<std::string> verified{};  ///< each a check that was made after all was done, and held
    bool continued = false;               ///< an erasure that was interrupted before
    Timestamp finished{};
};

struct EraseOptions {
    Ledger* ledger = nullptr;  ///< none: headers and secrets of a key manager are not touched
    std::optional<SecretId> secret{};
    const Clock& clock = system_clock();
    LuksLimits limits{};
    /// Drops other copies of a secret on this node; says which.
    std::function<Result<std::vector<std::string>>(const SecretId&)> drop_cached{};
    /// Makes the proof. Called when everything has been verified, before the last note that it was begun goes; may be
    /// called again if that fails.
    std::function<Result<void>(const EraseReport&)> certify{};
};

/// Cryptographic erase (NIST SP 800-88 Rev. 1, section 2.5 and appendix A): destroys what the volume's data can be
/// decrypted with: the header with its key slots (overwritten twice and read back), the copies of it that the ledger
/// keeps, the secrets that the record names. Killed or failed anywhere, the same call goes on; it says done only when
/// everything was verified. The data itself stays as the noise that it has become.
///
/// `key` proves that it is the right volume; without one only an erasure that was begun goes on.
/// Error: `WrongKey` if it opens none of its slots; `InvalidInput` if there is
/// no LUKS header; `Conflict` if the device or a secret is in use, or the record names other secrets; `Io`.
Result<EraseReport> erase_volume(const DevicePath& device, const Passphrase* key, const EraseOptions& options);

}  // namespace sallyport::volume
