#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// How dear it is to try one passphrase.
enum class UnlockProfile {
    /// PBKDF2-HMAC-SHA256 with 1000 iterations: opening takes milliseconds and no memory. NIST SP 800-132, section
    /// 5.2, sets 1000 as the minimum and says what the count is for: to slow down the search among passwords that
    /// people choose. A key of 256 random bits has 2^256 candidates; a million iterations add 20 bits to a search
    /// that cannot be begun, and cost seconds (Argon2: a gigabyte) at every attach. Hence it is allowed only for
    /// keys of at least 256 random bits (Passphrase::random_bits).
    RandomKey,
    /// LUKS2: Argon2id with 64 MiB, 4 lanes (RFC 9106, section 4, second recommended option; libcryptsetup's minimum
    /// of 4 passes). LUKS1: PBKDF2, calibrated to two seconds.
    Passphrase
};

struct FormatOptions {
    LuksVersion version = LuksVersion::Luks2;
    std::string cipher = "aes-xts-plain64";
    unsigned key_bits = 512;     ///< of the volume key; XTS halves it: 512 is AES-256
    unsigned sector_size = 512;  ///< LUKS2 also 1024, 2048, 4096; 512 never changes the block size under a guest
    UnlockProfile profile = UnlockProfile::RandomKey;
    std::string label{};                 ///< LUKS2, at most 47 bytes
    bool force = false;                  ///< destroy what is there; never what is in use
    std::optional<DevicePath> header{};  ///< a new file for the header: the device gets nothing but data
};

/// A volume without a header (cryptsetup's type "plain", Nova's older ephemeral disks). Nothing on the device says how
/// it is to be read, and a wrong guess reads noise and destroys the data with the first write: so none is guessed.
struct PlainOptions {
    std::string hash{};    ///< of the passphrase: "ripemd160" (cryptsetup's default before 2.7), "sha256" (since)
    std::string cipher{};  ///< "aes-xts-plain64"
    unsigned key_bits = 0;
    std::uint64_t offset = 0;  ///< bytes before the data
};

struct OpenOptions {
    bool read_only = false;
    bool allow_discards = false;         ///< lets whoever sees the device learn which blocks are unused
    std::optional<DevicePath> header{};  ///< where the header lies, if not on the device
    std::optional<PlainOptions> plain{};
};

/// A live dm-crypt mapping.
struct Mapping {
    MappingName name;
    std::string path;        ///< /dev/mapper/NAME
    DevicePath device;       ///< what is below
    std::string type;        ///< "LUKS1", "LUKS2", "PLAIN"
    std::uint64_t size = 0;  ///< bytes
    bool read_only = false;
    std::vector<std::string> users;  ///< who holds it open, for people: "mounted on /mnt", "held by dm-3 (lv)"
    std::string uuid{};              ///< of the LUKS volume, without dashes; empty for others
};

/// Error: `InvalidInput` for a name that device-mapper does not take as it is, or that would be a path.
Result<void> check_mapping_name(const MappingName& name);

/// Encrypted volumes. Thread-safe; calls block, for seconds when a passphrase was made dear: use them from a lane.
/// The caller keeps the passphrase; no copy outlives a call. `DEV` stands for the device's name in the messages.
///
/// Errors of all: `NotFound` (no such device, no such mapping), `Forbidden` (no rights), `Conflict` (in use, and by
/// whom), `Io` (cannot be read or written: never taken for empty), `Corrupt` (a header that fails its checks).
class VolumeEncryptor {
public:
    virtual ~VolumeEncryptor() = default;

    /// What is on the device. Only reads, takes no lock and needs no rights but to read.
    virtual Result<VolumeFacts> inspect(const DevicePath& device) const = 0;

    /// A new volume whose only key slot the passphrase opens. Holds the device exclusively meanwhile.
    /// Error: `Refused` if anything at all is there (a header, a file system, a non-zero byte in the first or last
    /// 32 MiB) and force is not given, or the profile does not suit the key; `InvalidInput` for options that do not
    /// go together or a device that is too small. Killed half-way, it can be repeated without force.
    virtual Result<VolumeFacts> format(const DevicePath& device, const Passphrase& passphrase,
                                       const FormatOptions& options) = 0;

    /// Which key slot the passphrase opens. Nothing is mapped and nothing written, not even to mend a header.
    /// Error: `WrongKey` ("this key opens no key slot of DEV (LUKS2, slots 0)"), `InvalidInput` if it is no LUKS
    /// volume, `Refused` for a slot that asks for more memory or time than allowed.
    virtual Result<int> test(const DevicePath& device, const Passphrase& passphrase) const = 0;

    /// Maps the plain text at /dev/mapper/NAME. Errors as `test`; `Conflict` if the name or the device is in use;
    /// `Refused` for a plain volume on a device that holds something that is known.
    virtual Result<Mapping> open(const DevicePath& device, const Passphrase& passphrase, const MappingName& name,
                                 const OpenOptions& options) = 0;

    /// Removes a mapping. Error: `Conflict` with the list of those who hold it.
    virtual Result<void> close(const MappingName& name) = 0;

    /// Gives a mapping the size that its device has now. LUKS2 keeps the key in the kernel's keyring, out of reach: it
    /// needs the passphrase; others do with null. Error: `NotFound`, `WrongKey`; `InvalidInput` if a key is needed.
    virtual Result<Mapping> resize(const MappingName& name, const Passphrase* passphrase) = 0;

    /// The dm-crypt mappings of this machine, whoever made them.
    virtual Result<std::vector<Mapping>> mappings() const = 0;
};

/// What a volume's header may ask of this machine before it is refused: headers come from whoever can write the disk.
struct LuksLimits {
    std::uint32_t memory_kib = 1024 * 1024;  ///< Argon2; cryptsetup's own default stays below
    std::uint32_t iterations = 100'000'000;  ///< PBKDF2; about 15 s here
    std::uint32_t passes = 1000;             ///< Argon2's time cost
};

/// LUKS1 and LUKS2 through libcryptsetup.
std::unique_ptr<VolumeEncryptor> make_luks_encryptor(const LuksLimits& limits = {});

}  // namespace sallyport::volume
