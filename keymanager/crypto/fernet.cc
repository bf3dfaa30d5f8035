#include "keymanager/crypto/fernet.h"

#include <algorithm>
#include <climits>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"
#include "keymanager/crypto/openssl_handle.h"
#include "keymanager/crypto/random.h"

namespace sallyport::crypto {
namespace {

// Fernet spec, section "Token Format": version, big-endian seconds, IV, ciphertext, HMAC of all that.
constexpr std::byte Version{0x80};
constexpr std::size_t TimeBytes = 8, BlockBytes = 16, MacBytes = 32;
constexpr std::size_t HeaderBytes = 1 + TimeBytes + BlockBytes;

Error not_a_token() { return {Code::InvalidInput, "not a Fernet token", {}}; }

const EVP_CIPHER* aes_128_cbc() {
    // Fetched once: a fetch on every call takes longer than encrypting a key does.
    static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
    return cipher;
}

void put_seconds(std::span<std::byte> out, Timestamp now) {
    auto seconds = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
    for (auto byte = out.rbegin(); byte != out.rend(); ++byte, seconds >>= 8) *byte = static_cast<std::byte>(seconds);
}

}  // namespace

Result<Fernet> Fernet::from_text(std::span<const std::byte> text) {
    // 32 bytes make 44 characters, the last of them '='.
    if (text.size() != 44) return Error{Code::InvalidInput, "a Fernet key is 44 characters of urlsafe base64", {}};
    auto key = from_base64_secure(text, Base64Alphabet::UrlSafe);
    if (!key) return Error{Code::InvalidInput, "a Fernet key is 44 characters of urlsafe base64", {}};
    return from_bytes(*std::move(key));
}

Result<Fernet> Fernet::from_bytes(SecureBytes key) {
    if (key.size() != KeyBytes) return Error{Code::InvalidInput, "a Fernet key is 32 bytes", {}};
    return Fernet(std::move(key));
}

Result<Fernet> Fernet::generate() { return Fernet(TRY(random_secret(KeyBytes))); }

Result<SecureBytes> Fernet::text() const { return to_base64_secure(key_, Base64Alphabet::UrlSafe); }

Result<std::string> Fernet::encrypt(const SecureBytes& plaintext, Timestamp now) const {
    Iv iv;
    TRY(fill_random(iv));
    return encrypt_with_iv(plaintext, now, iv);
}

Result<std::string> Fernet::encrypt_with_iv(const SecureBytes& plaintext, Timestamp now, const Iv& iv) const {
    if (plaintext.size() > INT_MAX - BlockBytes) return Error{Code::TooLarge, "too long for one Fernet token", {}};
    const std::size_t padded = (plaintext.size() / BlockBytes + 1) * BlockBytes;
    Bytes token(HeaderBytes + padded + MacBytes);
    token[0] = Version;
    put_seconds(std::span(token).subspan(1, TimeBytes), now);
    std::ranges::copy(iv, token.begin() + 1 + TimeBytes);

    unsigned char* out = uchar(token.data() + HeaderBytes);
    int written = 0, last = 0;
    const CipherCtx context(EVP_CIPHER_CTX_new());
    if (context == nullptr ||
        EVP_EncryptInit_ex2(context.get(), aes_128_cbc(), uchar(encryption_key().data()), uchar(iv.data()), nullptr) !=
            1 ||
        EVP_EncryptUpdate(context.get(), out, &written, uchar(plaintext.reveal().data()),
                          static_cast<int>(plaintext.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), out + written, &last) != 1) {
        return Error{Code::Internal, "AES-128-CBC failed", openssl_detail()};
    }
    SALLYPORT_ASSERT(static_cast<std::size_t>(written + last) == padded);  // PKCS7 always fills up to the next block

    const auto mac = TRY(hmac_sha256(signing_key(), std::span(token).first(HeaderBytes + padded)));
    std::ranges::copy(mac, token.end() - MacBytes);
    return to_base64(token, Base64Alphabet::UrlSafe);
}

Result<SecureBytes> Fernet::decrypt(std::string_view text) const {
    const auto decoded = from_base64(text, Base64Alphabet::UrlSafe);
    if (!decoded) return not_a_token();
    const std::span<const std::byte> token = *decoded;
    if (token.size() < HeaderBytes + BlockBytes + MacBytes || token[0] != Version || token.size() > INT_MAX)
        return not_a_token();
    const auto ciphertext = token.subspan(HeaderBytes, token.size() - HeaderBytes - MacBytes);
    if (ciphertext.size() % BlockBytes != 0) return not_a_token();

    // Fernet spec, section "Verifying": the HMAC is checked before anything is decrypted, so padding reveals nothing.
    const auto mac = TRY(hmac_sha256(signing_key(), token.first(token.size() - MacBytes)));
    if (!equal_in_constant_time(mac, token.last(MacBytes))) {
        return Error{Code::WrongKey, "the token was made under another key, or changed", {}};
    }

    SecureBytes plaintext = TRY(SecureBytes::of_size(ciphertext.size()));
    unsigned char* out = uchar(plaintext.writable().data());
    int written = 0, last = 0;
    const CipherCtx context(EVP_CIPHER_CTX_new());
    if (context == nullptr || EVP_DecryptInit_ex2(context.get(), aes_128_cbc(), uchar(encryption_key().data()),
                                                  uchar(token.data() + 1 + TimeBytes), nullptr) != 1) {
        return Error{Code::Internal, "AES-128-CBC failed", openssl_detail()};
    }
    if (EVP_DecryptUpdate(context.get(), out, &written, uchar(ciphertext.data()),
                          static_cast<int>(ciphertext.size())) != 1 ||
        EVP_DecryptFinal_ex(context.get(), out + written, &last) != 1) {
        return Error{Code::Corrupt, "the token's padding is wrong", openssl_detail()};
    }
    plaintext.truncate(static_cast<std::size_t>(written + last));
    return plaintext;
}

}  // namespace sallyport::crypto
