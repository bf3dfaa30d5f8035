#include "integrations/volume/sector_cipher.h"

#include <openssl/evp.h>

#include <array>
#include <string>

#include "keymanager/base/bytes.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t IvUnit = 512;

Error unknown_cipher(const std::string& cipher, std::size_t key_bytes) {
    return {Code::InvalidInput,
            "cipher " + cipher + " with a key of " + std::to_string(8 * key_bytes) +
                " bits is not known here: map the volume with dm-crypt instead",
            {}};
}

const EVP_CIPHER* xts_of(std::size_t key_bytes) {
    return key_bytes == 32 ? EVP_aes_128_xts() : key_bytes == 64 ? EVP_aes_256_xts() : nullptr;
}

const EVP_CIPHER* cbc_of(std::size_t key_bytes) {
    return key_bytes == 16   ? EVP_aes_128_cbc()
           : key_bytes == 24 ? EVP_aes_192_cbc()
           : key_bytes == 32 ? EVP_aes_256_cbc()
                             : nullptr;
}

Error openssl_failed(const char* what) {
    return {Code::Internal, std::string("cannot ") + what, crypto::openssl_detail()};
}

/// ESSIV: the IV is the sector's number encrypted with the hash of the key.
Result<crypto::CipherCtx> essiv_context(const SecureBytes& key) {
    SecureBytes salt = TRY(SecureBytes::of_size(32));
    unsigned size = 0;
    if (EVP_Digest(key.reveal().data(), key.size(), uchar(salt.writable().data()), &size, EVP_sha256(), nullptr) != 1) {
        return openssl_failed("hash the volume key");
    }
    crypto::CipherCtx context(EVP_CIPHER_CTX_new());
    if (!context ||
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_ecb(), nullptr, uchar(salt.reveal().data()), nullptr) != 1) {
        return openssl_failed("set up ESSIV");
    }
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    return context;
}

}  // namespace

Result<SectorCipher> SectorCipher::make(const VolumeKey& key, Direction direction) {
    const EVP_CIPHER* cipher = nullptr;
    Iv iv = Iv::Plain64;
    if (key.cipher == "aes-xts-plain64" || key.cipher == "aes-xts-plain") {
        cipher = xts_of(key.bytes.size());
        if (key.cipher == "aes-xts-plain") iv = Iv::Plain;
    } else if (key.cipher == "aes-cbc-plain64" || key.cipher == "aes-cbc-plain" ||
               key.cipher == "aes-cbc-essiv:sha256") {
        cipher = cbc_of(key.bytes.size());
        if (key.cipher == "aes-cbc-plain") iv = Iv::Plain;
        if (key.cipher == "aes-cbc-essiv:sha256") iv = Iv::Essiv;
    }
    if (cipher == nullptr) return unknown_cipher(key.cipher, key.bytes.size());

    crypto::CipherCtx data(EVP_CIPHER_CTX_new());
    const int encrypt = direction == Direction::Encrypt ? 1 : 0;
    if (!data ||
        EVP_CipherInit_ex(data.get(), cipher, nullptr, uchar(key.bytes.reveal().data()), nullptr, encrypt) != 1) {
        return openssl_failed("set up the cipher");
    }
    // XTS has no padding; told so all the same, OpenSSL would tell the cipher again with every sector's IV.
    if (EVP_CIPHER_CTX_get_mode(data.get()) != EVP_CIPH_XTS_MODE) EVP_CIPHER_CTX_set_padding(data.get(), 0);
    crypto::CipherCtx essiv;
    if (iv == Iv::Essiv) essiv = TRY(essiv_context(key.bytes));
    return SectorCipher(std::move(data), std::move(essiv), iv, key.sector_size);
}

Result<void> SectorCipher::process(std::uint64_t offset, std::span<std::byte> bytes) {
    SALLYPORT_ASSERT(offset % sector_size_ == 0 && bytes.size() % sector_size_ == 0);  // both are ours
    for (std::size_t at = 0; at < bytes.size(); at += sector_size_) {
        std::uint64_t sector = (offset + at) / IvUnit;
        if (iv_ == Iv::Plain) sector &= 0xffffffff;
        std::array<unsigned char, 16> iv{};
        for (std::size_t i = 0; i < 8; ++i) iv[i] = static_cast<unsigned char>(sector >> (8 * i));
        int size = 0;
        if (iv_ == Iv::Essiv && EVP_EncryptUpdate(essiv_.get(), iv.data(), &size, iv.data(), iv.size()) != 1) {
            return openssl_failed("make an IV");
        }
        unsigned char* data = uchar(bytes.data() + at);
        if (EVP_CipherInit_ex(data_.get(), nullptr, nullptr, nullptr, iv.data(), -1) != 1 ||
            EVP_CipherUpdate(data_.get(), data, &size, data, static_cast<int>(sector_size_)) != 1 ||
            size != static_cast<int>(sector_size_)) {
            return openssl_failed("encrypt or decrypt a sector");
        }
    }
    return {};
}

}  // namespace sallyport::volume
