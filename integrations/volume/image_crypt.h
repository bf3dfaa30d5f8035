#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

struct ImageCryptOptions {
    bool replace = false;  ///< an existing destination is replaced, at the very end and in one step
    /// Told after every few MiB; on the calling thread.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress{};
};

struct ImageCryptReport {
    std::uint64_t source_bytes = 0;
    std::uint64_t destination_bytes = 0;
};

/// Makes a LUKS image of a raw image, in user space: no device-mapper, no loop device, no rights but to the files.
/// dm-crypt, cryptsetup and (LUKS1) QEMU read the result. The source is padded with zeros to a whole sector.
/// The destination has mode 0600 and appears under its name complete and flushed, or not at all.
/// Error: those of VolumeEncryptor::format; `Refused` if the destination exists or the source is no raw image (qcow2,
/// LUKS), unless FormatOptions::force says that its bytes are meant as they are.
Result<ImageCryptReport> encrypt_image(const DevicePath& source, const std::string& destination,
                                       const Passphrase& passphrase, const FormatOptions& format,
                                       const ImageCryptOptions& options);

/// The way back: the plain text of a LUKS image or device as a raw image. Zeros become holes.
/// Error: those of VolumeEncryptor::test; `Refused` if the destination exists; `InvalidInput` for a cipher that only
/// dm-crypt knows.
Result<ImageCryptReport> decrypt_image(const DevicePath& source, const std::string& destination,
                                       const Passphrase& passphrase, const LuksLimits& limits,
                                       const ImageCryptOptions& options);

}  // namespace sallyport::volume
