#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/ids.h"

namespace sallyport::volume {

using DevicePath = Id<struct DevicePathTag>;    ///< a block device or an image file
using MappingName = Id<struct MappingNameTag>;  ///< a name under /dev/mapper

enum class LuksVersion { Luks1 = 1, Luks2 = 2 };
std::string_view text_of(LuksVersion version);  ///< "LUKS1"

/// What lies on a device.
enum class Content {
    Luks,               ///< a LUKS header that can be used
    InterruptedFormat,  ///< our `format` was killed half-way: nothing but its own bytes is there
    FileSystem,
    PartitionTable,
    Signature,    ///< something else that libblkid knows: LVM, RAID, swap, another encryption
    DiskImage,    ///< qcow2 and the like: not a raw volume
    UnknownData,  ///< data, but nobody's header: a plain dm-crypt volume looks like this
    Blank         ///< zeros wherever it was looked at: the first and last 32 MiB
};
std::string_view text_of(Content content);  ///< "luks", "interrupted_format", "file_system", ...

struct KeySlotFacts {
    int number = 0;
    std::string kdf;               ///< "pbkdf2", "argon2i", "argon2id"
    std::string hash{};            ///< of PBKDF2; empty for Argon2
    std::uint32_t iterations = 0;  ///< PBKDF2's count, Argon2's time cost
    std::uint32_t memory_kib = 0;  ///< Argon2 only
    std::uint32_t threads = 0;     ///< Argon2 only
    unsigned key_bits = 0;         ///< of the volume key that it holds
    int priority = 1;              ///< LUKS2: 0 only when asked for by number, 1 normal, 2 tried first
};

enum class HeaderCopyState { Good, Absent, Damaged };
std::string_view text_of(HeaderCopyState state);

/// LUKS2 keeps its header twice; LUKS1 has the primary alone.
struct HeaderCopy {
    std::string name;  ///< "primary", "secondary"
    std::uint64_t offset = 0;
    HeaderCopyState state = HeaderCopyState::Absent;
    std::uint64_t sequence = 0;  ///< LUKS2: the copy with the higher one is the newer
    std::string reason{};        ///< of damage
};

/// Where a key slot's material lies on the device.
struct KeyArea {
    int slot = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

struct LuksFacts {
    LuksVersion version = LuksVersion::Luks1;
    std::string cipher;               ///< "aes-xts-plain64"
    unsigned key_bits = 0;            ///< of the volume key: 512 is AES-256-XTS
    unsigned sector_size = 512;       ///< bytes that are encrypted as one
    std::uint64_t data_offset = 0;    ///< bytes from the start of the device
    std::uint64_t metadata_size = 0;  ///< bytes that the header copies and the key slots' areas take
    std::string uuid;
    std::string label;
    std::string subsystem;
    std::string hash;                     ///< LUKS1: of PBKDF2 and the anti-forensic splitter
    std::uint32_t digest_iterations = 0;  ///< of PBKDF2 over the volume key, with which a found one is checked
    std::vector<KeySlotFacts> key_slots;  ///< those that hold a key
    unsigned key_slots_total = 8;         ///< LUKS1: 8; LUKS2: 32
    std::vector<HeaderCopy> header_copies;
    std::string volume_key_digest{};   ///< tells volume keys apart, as the header has it; changes with the key alone
    std::vector<KeyArea> key_areas{};  ///< of the slots that hold a key
    std::vector<std::string> requirements;  ///< LUKS2: such as "online-reencrypt-v2", being re-encrypted
    /// LUKS2: all the data has its new volume key, and the header still asks for the re-encryption to go on: a process
    /// was killed between libcryptsetup's last writes. libcryptsetup 2.6.1 cannot tell that from one that has not begun
    /// and would encrypt everything once more, from the wrong key; finish_luks2_reencryption is the only way on.
    bool reencryption_is_over = false;
};

/// How strong the encryption of the data is, which the key's size alone does not say: XTS has two keys in one, so that
/// 256 bits are AES-128. "AES-256-XTS"; empty if it is not known.
std::string strength_of(const std::string& cipher, unsigned key_bits);

/// What `inspect` found.
struct VolumeFacts {
    std::uint64_t size = 0;  ///< bytes of the device
    Content content = Content::Blank;
    std::string what;                 ///< "LUKS2", "ext4", "gpt", "qcow2", ...; for people
    std::optional<LuksFacts> luks{};  ///< of content Luks, and of a qcow2 image that is encrypted with LUKS
};

}  // namespace sallyport::volume
