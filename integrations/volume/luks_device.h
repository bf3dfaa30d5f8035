#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "integrations/volume/file.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

struct crypt_device;

namespace sallyport::volume {

/// The key that encrypts the data, and how it does.
struct VolumeKey {
    SecureBytes bytes;
    std::string cipher;  ///< "aes-xts-plain64"
    std::uint64_t data_offset = 0;
    unsigned sector_size = 512;
};

/// A LUKS volume in libcryptsetup's hands. Inside this folder only.
///
/// libcryptsetup keeps process-wide state for device-mapper, and one Argon2 may take a gigabyte: every call that
/// unlocks or maps takes one lock, so that a process runs one of them at a time. As root, libcryptsetup's own lock
/// does the same for all processes of the machine (CRYPT_ACTIVATE_SERIALIZE_MEMORY_HARD_PBKDF).
class LuksDevice {
public:
    /// `path` is what libcryptsetup opens, now and with every call; `name` is what messages call it.
    static Result<LuksDevice> load(const std::string& path, const std::string& name, LuksVersion version,
                                   const LuksLimits& limits);

    /// Which key slot the passphrase opens; with a mapping name, maps the volume too (`flags`: CRYPT_ACTIVATE_...).
    /// Slots are tried from the cheapest to the dearest. Error: `WrongKey`, `Refused` (over the limits), `Conflict`.
    Result<int> unlock(const Passphrase& passphrase, const MappingName* mapping, std::uint32_t flags);

    /// The volume key, in locked memory. Errors as `unlock`.
    Result<VolumeKey> volume_key(const Passphrase& passphrase);

    /// From now on the data lies on this device, and what was loaded is only the header. Error: `InvalidInput` if the
    /// header is not of that kind.
    Result<void> use_data_device(const std::string& path);

    /// Gives a live mapping the size of its device. Errors: see VolumeEncryptor::resize.
    static Result<void> resize(const MappingName& mapping, const Passphrase* passphrase, const LuksLimits& limits);

    /// The key slots that the passphrase opens, whatever their priority. Those over the limits are not tried.
    Result<std::vector<int>> slots_opened_by(const Passphrase& passphrase);

    /// A further key slot, which `next` opens; its number. Flushed. Error: `WrongKey` if `current` opens none;
    /// `Conflict` if no slot, or no room for one, is free; `Refused` if the profile does not suit the key.
    Result<int> add_slot(const Passphrase& current, const Passphrase& next, UnlockProfile profile);

    /// Overwrites a key slot and takes it off the header. Error: `Refused` for the last one.
    Result<void> destroy_slot(int slot);

    std::vector<int> active_slots() const;

    /// Calls the volume something else, in its header.
    Result<void> set_uuid(const std::string& uuid);

    /// Has the data of a LUKS2 volume encrypted under another volume key. `key` opens the only slots in use, before and
    /// after. `mapping` is the volume's, if it is open: those who use it go on meanwhile.
    struct Reencryption {
        const MappingName* mapping = nullptr;
        std::uint64_t zone = 0;  ///< bytes that are worked on at a time; for so long the volume's users wait
        /// Told how far it is after each zone, when the library may be used by others; false stops it.
        std::function<bool(std::uint64_t done, std::uint64_t total)> more{};
    };
    /// The header says from now on that it is under way; nothing if it does already. Errors: as add_slot.
    Result<void> begin_reencryption(const Passphrase& key, const Reencryption& how);

    enum class Reencrypted {
        Wholly,
        InPart,  ///< stopped
        Mended   ///< what a killed process left half done is done: read the header anew, and go on
    };
    /// Begun before. Never for a header whose `reencryption_is_over`. Error: `WrongKey`, `Corrupt`, `Conflict`, `Io`.
    Result<Reencrypted> go_on_reencrypting(const Passphrase& key, const Reencryption& how);

    /// Owns the file whose proc_path() was loaded: libcryptsetup opens it again with every call.
    void keep_open(File image);

    LuksDevice(LuksDevice&&) noexcept;
    LuksDevice& operator=(LuksDevice&&) noexcept;
    ~LuksDevice();

private:
    struct Impl;
    explicit LuksDevice(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Loads the LUKS header that `probe` found in `file`, and never writes to it: where libcryptsetup would mend a damaged
/// copy, or the header lies inside a qcow2 image, it gets a copy in memory.
/// Error: `InvalidInput` if there is no header, and what is there instead; those of LuksDevice::load.
Result<LuksDevice> load_without_writing(const File& file, const VolumeFacts& facts, const LuksLimits& limits);

/// Error: `Refused` for a header that asks for more work than is allowed to check a volume key. (What its key slots ask
/// for is seen slot by slot.)
Result<void> check_limits(const LuksFacts& facts, const LuksLimits& limits, const std::string& name);

/// A LUKS volume's header and key slots, complete, but on no device yet.
struct NewHeader {
    File image;              ///< in memory; its first `size` bytes are what goes to the start of the device
    std::uint64_t size = 0;  ///< of a header in front of its data: key.data_offset
    VolumeKey key;           ///< freshly made
};

/// Makes the header of a volume of `size` bytes (header included) for a device called `name`.
/// Error: `InvalidInput` for options that do not go together, or a size that leaves no room for data.
Result<NewHeader> make_header(std::uint64_t size, const std::string& name, const Passphrase& passphrase,
                              const FormatOptions& options);

/// The same for a header that lies apart from the `size` bytes of data of the device called `name`.
Result<NewHeader> make_detached_header(std::uint64_t size, const std::string& name, const Passphrase& passphrase,
                                       const FormatOptions& options);

inline constexpr std::uint64_t LargestDataOffset = 16 * 1024 * 1024;  ///< no new header is larger

/// Where the data of a new volume begins: cryptsetup's own defaults, 2 MiB for LUKS1 and 16 MiB for LUKS2; a LUKS2
/// device below 17 MiB gets a compact header with room for two key slots.
std::uint64_t data_offset_for(std::uint64_t size, LuksVersion version);

/// Copies the bytes from `begin` to `end`, to the same place. Error: `Io`.
Result<void> copy_bytes(const ByteSource& from, File& to, std::uint64_t begin, std::uint64_t end);

/// "DEV is no LUKS volume: it holds ext4"
Error not_luks(const std::string& name, const VolumeFacts& facts);

/// Maps a volume that has no header. Error: `Conflict`, `InvalidInput` for a cipher that the kernel does not know.
Result<void> map_plain(const std::string& path, const VolumeKey& key, const MappingName& mapping, std::uint32_t flags);

/// Removes a mapping. Error: `NotFound`, `Conflict` if it is in use.
Result<void> remove_mapping(const MappingName& mapping);

}  // namespace sallyport::volume
