#include "keymanager/crypto/random.h"

#include <openssl/rand.h>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {

Result<void> fill_random(std::span<std::byte> out) {
    if (RAND_bytes(uchar(out.data()), static_cast<int>(out.size())) != 1) {
        return Error{Code::Internal, "the system has no randomness", openssl_detail()};
    }
    return {};
}

Result<SecureBytes> random_secret(std::size_t size) {
    SecureBytes bytes = TRY(SecureBytes::of_size(size));
    if (RAND_priv_bytes(uchar(bytes.writable().data()), static_cast<int>(size)) != 1) {
        return Error{Code::Internal, "the system has no randomness", openssl_detail()};
    }
    return bytes;
}

}  // namespace sallyport::crypto
