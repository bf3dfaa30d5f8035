#include "keymanager/crypto/key_pair.h"

#include <openssl/bio.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {
namespace {

Error failed(const char* what) { return Error{Code::Internal, what, openssl_detail()}; }

Result<Pkey> generate(EVP_PKEY_CTX* ctx) {
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_keygen(ctx, &key) != 1) return failed("cannot generate a key pair");
    return Pkey(key);
}

Result<Pkey> generate_rsa(int bits) {
    const PkeyCtx ctx(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
    if (ctx == nullptr || EVP_PKEY_keygen_init(ctx.get()) != 1) return failed("cannot generate a key pair");
    if (EVP_PKEY_CTX_set_rsa_keygen_bits(ctx.get(), bits) != 1) {
        return Error{Code::InvalidInput, "no RSA key of that length can be made", openssl_detail()};
    }
    return generate(ctx.get());
}

Result<Pkey> generate_dsa(int bits) {
    const PkeyCtx parameters_ctx(EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, nullptr));
    if (parameters_ctx == nullptr || EVP_PKEY_paramgen_init(parameters_ctx.get()) != 1) {
        return failed("cannot generate a key pair");
    }
    // FIPS 186-4, section 4.2: the pairs of lengths (L, N).
    if (EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters_ctx.get(), bits) != 1 ||
        EVP_PKEY_CTX_set_dsa_paramgen_q_bits(parameters_ctx.get(), bits <= 1024 ? 160 : 256) != 1) {
        return Error{Code::InvalidInput, "no DSA key of that length can be made", openssl_detail()};
    }
    EVP_PKEY* raw = nullptr;
    if (EVP_PKEY_paramgen(parameters_ctx.get(), &raw) != 1) return failed("cannot generate DSA parameters");
    const Pkey parameters(raw);
    const PkeyCtx ctx(EVP_PKEY_CTX_new(parameters.get(), nullptr));
    if (ctx == nullptr || EVP_PKEY_keygen_init(ctx.get()) != 1) return failed("cannot generate a key pair");
    return generate(ctx.get());
}

Result<Pkey> generate_ec(int bits) {
    // SP 800-186, section 3.2.1.
    const int curve = bits == 256   ? NID_X9_62_prime256v1
                      : bits == 384 ? NID_secp384r1
                      : bits == 521 ? NID_secp521r1
                                    : NID_undef;
    if (curve == NID_undef) return Error{Code::InvalidInput, "no EC key of that length can be made", {}};
    const PkeyCtx ctx(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr));
    if (ctx == nullptr || EVP_PKEY_keygen_init(ctx.get()) != 1 ||
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx.get(), curve) != 1) {
        return failed("cannot generate a key pair");
    }
    return generate(ctx.get());
}

Result<Pkey> generate(KeyPairAlgorithm algorithm, int bits) {
    switch (algorithm) {
        case KeyPairAlgorithm::Rsa: return generate_rsa(bits);
        case KeyPairAlgorithm::Dsa: return generate_dsa(bits);
        case KeyPairAlgorithm::Ec: return generate_ec(bits);
    }
    SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
}

/// A BIO whose bytes are in the secure arena.
Result<Bio> secure_bio() {
    Bio bio(BIO_new(BIO_s_secmem()));
    if (bio == nullptr) return Error{Code::Overloaded, "the locked memory for keys is full", openssl_detail()};
    return bio;
}

Result<SecureBytes> bytes_in(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    if (size <= 0) return failed("cannot encode a key");
    return SecureBytes::copy_of(bytes_of({data, static_cast<std::size_t>(size)}));
}

Result<SecureBytes> encode_private(EVP_PKEY* key, KeyPairAlgorithm algorithm,
                                   const std::optional<SecureBytes>& passphrase) {
    const Bio bio = TRY(secure_bio());
    const EVP_CIPHER* cipher = passphrase ? EVP_aes_256_cbc() : nullptr;
    const char* secret = nullptr;
    int length = 0;
    if (passphrase) {
        secret = reinterpret_cast<const char*>(passphrase->reveal().data());
        length = static_cast<int>(passphrase->size());
    }
    int written = 0;
    switch (algorithm) {
        case KeyPairAlgorithm::Rsa:
        case KeyPairAlgorithm::Ec:
            written = PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, secret, length, nullptr, nullptr);
            break;
        case KeyPairAlgorithm::Dsa:
            written = i2d_PKCS8PrivateKey_bio(bio.get(), key, cipher, secret, length, nullptr, nullptr);
            break;
    }
    if (written != 1) return failed("cannot encode a private key");
    return bytes_in(bio.get());
}

Result<SecureBytes> encode_public(EVP_PKEY* key, KeyPairAlgorithm algorithm) {
    const Bio bio = TRY(secure_bio());
    int written = 0;
    switch (algorithm) {
        case KeyPairAlgorithm::Rsa:
        case KeyPairAlgorithm::Ec: written = PEM_write_bio_PUBKEY(bio.get(), key); break;
        case KeyPairAlgorithm::Dsa: written = i2d_PUBKEY_bio(bio.get(), key); break;
    }
    if (written != 1) return failed("cannot encode a public key");
    return bytes_in(bio.get());
}

}  // namespace

Result<KeyPair> generate_key_pair(KeyPairAlgorithm algorithm, int bits, const std::optional<SecureBytes>& passphrase) {
    const Pkey key = TRY(generate(algorithm, bits));
    KeyPair pair;
    pair.private_key = TRY(encode_private(key.get(), algorithm, passphrase));
    pair.public_key = TRY(encode_public(key.get(), algorithm));
    return pair;
}

}  // namespace sallyport::crypto
