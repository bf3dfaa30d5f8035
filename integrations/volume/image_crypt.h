#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "integrations/volume/block_workers.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

struct ImageCryptOptions {
    bool replace = false;  ///< an existing destination is replaced, at the very end and in one step
    /// Leaves holes in the destination. Decrypting: for zeros, and for the holes of the source. Encrypting: for the
    /// holes of the source, and then a hole is *not* zeros any more: through dm-crypt it reads as noise (which is what
    /// zeros decrypt to), and the image shows which blocks are unused. Only for images whose holes nobody reads, such
    /// as the free blocks of a file system; decrypting with `sparse` gives them back.
    bool sparse = false;
    /// The header's own file, apart from the data: made by encrypt_image (it must not exist, whatever `replace` says:
    /// an old header is the only way to the data that it belongs to), read by decrypt_image.
    std::optional<DevicePath> header{};
    std::optional<PlainOptions> plain{};  ///< decrypting: the volume has no header
    unsigned threads = 0;                 ///< 0: as many as there are processors
    Progress progress{};                  ///< on the calling thread
};

struct ImageCryptReport {
    std::uint64_t source_bytes = 0;
    std::uint64_t destination_bytes = 0;
};

/// Makes a LUKS image of a raw image, in user space: no device-mapper, no loop device, no rights but to the files.
/// dm-crypt, cryptsetup and (LUKS1) QEMU read the result. The source is padded with zeros to a whole sector.
/// The destination has mode 0600 and appears under its name complete and flushed, or not at all; what a killed process
/// left is removed by the next one. Blocks; uses all processors.
/// Error: those of VolumeEncryptor::format; `Refused` if the destination exists or the source is no raw image (qcow2,
/// LUKS), unless FormatOptions::force says that its bytes are meant as they are.
Result<ImageCryptReport> encrypt_image(const DevicePath& source, const std::string& destination,
                                       const Passphrase& passphrase, const FormatOptions& format,
                                       const ImageCryptOptions& options);

/// The way back: the plain text of a LUKS image or device as a raw image.
/// Error: those of VolumeEncryptor::test; `Refused` if the destination exists; `InvalidInput` for a cipher that only
/// dm-crypt knows.
Result<ImageCryptReport> decrypt_image(const DevicePath& source, const std::string& destination,
                                       const Passphrase& passphrase, const LuksLimits& limits,
                                       const ImageCryptOptions& options);

}  // namespace sallyport::volume
