#pragma once

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/aes_ctr.h"

namespace sallyport::object {

/// Where IVs and body keys come from. A test hands out recorded draws, and so gets the recorded ciphertext.
class RandomSource {
public:
    virtual ~RandomSource() = default;
    virtual Result<crypto::CounterBlock> draw_iv() = 0;
    /// 32 fresh bytes, in locked memory.
    virtual Result<SecureBytes> draw_key() = 0;
};

/// The machine's generator. Thread-safe.
RandomSource& system_random();

}  // namespace sallyport::object
