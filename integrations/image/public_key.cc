#include "integrations/image/public_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

Error unusable() {
    return {Code::InvalidInput, "the certificate's public key cannot be used", crypto::openssl_detail()};
}

KeyKind kind_of_handle(EVP_PKEY* key) {
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA: return KeyKind::Rsa;
        case EVP_PKEY_DSA: return KeyKind::Dsa;
        case EVP_PKEY_EC: return KeyKind::Ec;
        default: return KeyKind::Other;
    }
}

/// An RSA key whose algorithm id is id-RSASSA-PSS (RFC 4055, section 3.1) as an RSA key like any other, without the
/// restrictions on hash and salt that may stand beside it: so cursive sees it, and the rules here are narrower.
Result<crypto::Pkey> as_plain_rsa(EVP_PKEY* key) {
    OSSL_PARAM* numbers = nullptr;
    if (EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &numbers) != 1) return unusable();
    const std::unique_ptr<OSSL_PARAM, crypto::Freer<OSSL_PARAM_free>> owner(numbers);
    const crypto::PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* plain = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &plain, EVP_PKEY_PUBLIC_KEY, numbers) != 1) {
        return unusable();
    }
    return crypto::Pkey(plain);
}

}  // namespace

void Key::Release::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

Result<Key> Key::take(EVP_PKEY* handle) {
    Key key;
    key.handle_.reset(handle);
    key.kind_ = kind_of_handle(handle);
    if (key.kind_ != KeyKind::Ec) return key;
    int spelled_out = 0;
    char name[80];
    std::size_t size = 0;
    const bool known =
        EVP_PKEY_get_int_param(handle, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) == 1 &&
        EVP_PKEY_get_group_name(handle, name, sizeof name, &size) == 1;
    ERR_clear_error();
    // RFC 5480, section 2.1.1: specifiedCurve MUST NOT be used; who spells a curve out may have bent it.
    if (!known || spelled_out != 0) return refused("The key's curve is not one that has a name");
    key.curve_.assign(name, size);
    return key;
}

Result<Key> Key::of(const Certificate& certificate) {
    crypto::Pkey key(X509_get_pubkey(certificate.get()));
    if (key == nullptr) return unusable();
    if (EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA_PSS) key = TRY(as_plain_rsa(key.get()));
    return take(key.release());
}

int Key::bits() const { return EVP_PKEY_get_bits(handle_.get()); }

std::string Key::description() const {
    switch (kind_) {
        case KeyKind::Rsa: return fmt::format("RSA, {} bits", bits());
        case KeyKind::Dsa: return fmt::format("DSA, {} bits", bits());
        case KeyKind::Ec: return fmt::format("EC, curve {}", curve_);
        case KeyKind::Other: break;
    }
    const char* const name = EVP_PKEY_get0_type_name(handle_.get());
    return name == nullptr ? "of an unknown kind" : name;
}

KeyKind kind_of(KeyType type) {
    if (type == KeyType::RsaPss) return KeyKind::Rsa;
    return type == KeyType::Dsa ? KeyKind::Dsa : KeyKind::Ec;
}

}  // namespace sallyport::image
