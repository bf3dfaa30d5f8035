#include "integrations/image/signer.h"

#include <fmt/format.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>

#include <memory>

#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

using DecoderCtx = std::unique_ptr<OSSL_DECODER_CTX, crypto::Freer<OSSL_DECODER_CTX_free>>;

Result<Key> decode(const SecureBytes& encoded, const std::optional<SecureBytes>& passphrase) {
    EVP_PKEY* key = nullptr;
    const DecoderCtx decoder(
        OSSL_DECODER_CTX_new_for_pkey(&key, nullptr, nullptr, nullptr, EVP_PKEY_KEYPAIR, nullptr, nullptr));
    if (decoder == nullptr) return Error{Code::Internal, "cannot read a private key", crypto::openssl_detail()};
    // Without one an encrypted key fails to open, which is right: OpenSSL must not ask on the terminal.
    if (passphrase) {
        const auto words = passphrase->reveal();
        if (OSSL_DECODER_CTX_set_passphrase(decoder.get(), uchar(words.data()), words.size()) != 1) {
            return Error{Code::Internal, "cannot read a private key", crypto::openssl_detail()};
        }
    }
    const auto bytes = encoded.reveal();
    const unsigned char* at = uchar(bytes.data());
    std::size_t left = bytes.size();
    if (OSSL_DECODER_from_data(decoder.get(), &at, &left) != 1 || key == nullptr) {
        EVP_PKEY_free(key);
        if (passphrase) return Error{Code::WrongKey, "the passphrase opens no private key", crypto::openssl_detail()};
        return Error{Code::InvalidInput, "no private key in PEM or DER that opens without a passphrase",
                     crypto::openssl_detail()};
    }
    return Key::take(key);
}

Result<KeyType> type_for(const Key& key) {
    switch (key.kind()) {
        case KeyKind::Rsa: return KeyType::RsaPss;
        case KeyKind::Dsa: return KeyType::Dsa;
        case KeyKind::Ec:
            if (const auto type = key_type_of_curve(key.curve())) return *type;
            break;
        case KeyKind::Other: break;
    }
    return Error{Code::Refused,
                 fmt::format("no img_signature_key_type fits the key ({}): RSA, DSA, or EC on secp384r1, secp521r1, "
                             "sect409k1, sect409r1, sect571k1 or sect571r1",
                             key.description()),
                 {}};
}

}  // namespace

Result<ImageSigner> ImageSigner::create(const SecureBytes& encoded, const std::optional<SecureBytes>& passphrase,
                                        HashMethod method) {
    Key key = TRY(decode(encoded, passphrase));
    const KeyType type = TRY(type_for(key));
    ImageDigest digest = TRY(ImageDigest::create(method));
    return ImageSigner(std::move(key), Scheme{type, method}, std::move(digest));
}

bool ImageSigner::belongs_to(const Key& certified) const {
    const bool same = EVP_PKEY_eq(certified.get(), key_.get()) == 1;
    ERR_clear_error();
    return same;
}

Result<Bytes> ImageSigner::finish() {
    const Bytes digest = TRY(digest_.finish());
    Bytes signature = TRY(sign_digest(key_, scheme_, digest));
    // A fault while signing gives RSA keys away (Boneh, DeMillo, Lipton 1997); and an operator would find out at boot.
    if (!TRY(signature_matches(key_, scheme_, digest, signature))) {
        return Error{Code::Internal, "the signature that was made does not verify", {}};
    }
    return signature;
}

}  // namespace sallyport::image
