#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "integrations/volume/luks_device.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::volume {

/// What dm-crypt does to sectors, in user space (Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst): each
/// sector is encrypted by itself, with an IV made of its number, which counts units of 512 bytes whatever the sector's
/// size. Knows aes-xts-plain64, aes-xts-plain, aes-cbc-plain64, aes-cbc-plain and aes-cbc-essiv:sha256.
/// Thread-compatible: one object a thread.
class SectorCipher {
public:
    enum class Direction { Encrypt, Decrypt };

    /// Error: `InvalidInput` for a cipher that it does not know.
    static Result<SectorCipher> make(const VolumeKey& key, Direction direction);

    /// Works in place. `bytes` is a whole number of sectors and begins at byte `offset` of the data.
    Result<void> process(std::uint64_t offset, std::span<std::byte> bytes);

private:
    enum class Iv { Plain, Plain64, Essiv };

    SectorCipher(crypto::CipherCtx data, crypto::CipherCtx essiv, Iv iv, unsigned sector_size)
        : data_(std::move(data)), essiv_(std::move(essiv)), iv_(iv), sector_size_(sector_size) {}

    crypto::CipherCtx data_;
    crypto::CipherCtx essiv_;  ///< encrypts sector numbers; null for the other kinds
    Iv iv_;
    unsigned sector_size_;
};

}  // namespace sallyport::volume
