#include "integrations/image/signer.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "integrations/image/private_key.h"

namespace sallyport::image {
namespace {

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
    Key key = TRY(read_private_key(encoded, passphrase));
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
