#include "keymanager/crypto/aead.h"

#include <climits>
#include <cstring>

#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {
namespace {

const EVP_CIPHER* aes_256_gcm() {
    // Fetched once: a fetch on every call takes longer than encrypting a key does.
    static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return cipher;
}

Error failed() { return {Code::Internal, "AES-256-GCM failed", openssl_detail()}; }

Result<void> check_sizes(const SecureBytes& key, std::size_t associated, std::size_t text) {
    if (key.size() != AeadKeyBytes) return Error{Code::InvalidInput, "an AES-256-GCM key is 32 bytes", {}};
    if (associated > INT_MAX || text > INT_MAX)
        return Error{Code::TooLarge, "too long for one AES-256-GCM message", {}};
    return {};
}

}  // namespace

Result<Bytes> aead_seal(const SecureBytes& key, const AeadNonce& nonce, std::span<const std::byte> associated,
                        const SecureBytes& plaintext) {
    TRY(check_sizes(key, associated.size(), plaintext.size()));
    Bytes sealed(plaintext.size() + AeadTagBytes);
    unsigned char* tag = uchar(sealed.data() + plaintext.size());
    int written = 0;
    const CipherCtx context(EVP_CIPHER_CTX_new());
    if (context == nullptr ||
        EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), uchar(key.reveal().data()), uchar(nonce.data()), nullptr) !=
            1 ||
        EVP_EncryptUpdate(context.get(), nullptr, &written, uchar(associated.data()),
                          static_cast<int>(associated.size())) != 1 ||
        EVP_EncryptUpdate(context.get(), uchar(sealed.data()), &written, uchar(plaintext.reveal().data()),
                          static_cast<int>(plaintext.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), tag, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, AeadTagBytes, tag) != 1) {
        return failed();
    }
    return sealed;
}

Result<SecureBytes> aead_open(const SecureBytes& key, const AeadNonce& nonce, std::span<const std::byte> associated,
                              std::span<const std::byte> ciphertext_and_tag) {
    TRY(check_sizes(key, associated.size(), ciphertext_and_tag.size()));
    if (ciphertext_and_tag.size() < AeadTagBytes) return Error{Code::Corrupt, "the ciphertext is too short", {}};
    const auto ciphertext = ciphertext_and_tag.first(ciphertext_and_tag.size() - AeadTagBytes);
    std::array<std::byte, AeadTagBytes> tag;
    std::memcpy(tag.data(), ciphertext_and_tag.data() + ciphertext.size(), tag.size());

    // GCM decrypts before the tag is known to be right: into locked memory, which goes with the error.
    SecureBytes plaintext = TRY(SecureBytes::of_size(ciphertext.size()));
    int written = 0;
    const CipherCtx context(EVP_CIPHER_CTX_new());
    if (context == nullptr ||
        EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), uchar(key.reveal().data()), uchar(nonce.data()), nullptr) !=
            1 ||
        EVP_DecryptUpdate(context.get(), nullptr, &written, uchar(associated.data()),
                          static_cast<int>(associated.size())) != 1 ||
        EVP_DecryptUpdate(context.get(), uchar(plaintext.writable().data()), &written, uchar(ciphertext.data()),
                          static_cast<int>(ciphertext.size())) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, AeadTagBytes, tag.data()) != 1) {
        return failed();
    }
    unsigned char none[AeadTagBytes];
    if (EVP_DecryptFinal_ex(context.get(), none, &written) != 1) {
        return Error{Code::Corrupt, "the ciphertext does not verify", openssl_detail()};
    }
    return plaintext;
}

}  // namespace sallyport::crypto
