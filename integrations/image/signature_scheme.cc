#include "integrations/image/signature_scheme.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string>

#include "keymanager/base/assert.h"

namespace sallyport::image {
namespace {

Error failed(const char* what) { return {Code::Internal, what, crypto::openssl_detail()}; }

const EVP_MD* md_of(HashMethod method) {
    switch (method) {
        case HashMethod::Sha224: return EVP_sha224();
        case HashMethod::Sha256: return EVP_sha256();
        case HashMethod::Sha384: return EVP_sha384();
        case HashMethod::Sha512: return EVP_sha512();
    }
    SALLYPORT_ASSERT(false);  // the switch names every enumerator
}

/// RFC 8017, section 9.1.1: what is left of the encoded message, which is one bit shorter than the modulus.
int longest_salt(const Key& key, HashMethod method) {
    const int encoded_bytes = (key.bits() - 1 + 7) / 8;
    return encoded_bytes - EVP_MD_get_size(md_of(method)) - 2;
}

using Begin = int (*)(EVP_PKEY_CTX*);

/// An operation on digests of this hash. `padding` and `salt` are RSA's.
Result<crypto::PkeyCtx> begin(const Key& key, HashMethod method, Begin operation, int padding, int salt) {
    crypto::PkeyCtx context(EVP_PKEY_CTX_new(key.get(), nullptr));
    if (context == nullptr || operation(context.get()) != 1) return failed("cannot use the signer's key");
    // The padding comes before the hash, which OpenSSL holds against it.
    if (key.kind() == KeyKind::Rsa && EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) != 1) {
        return failed("cannot use the signer's key with this padding");
    }
    if (EVP_PKEY_CTX_set_signature_md(context.get(), md_of(method)) != 1) {
        return failed("cannot use the signer's key with this hash");
    }
    if (key.kind() == KeyKind::Rsa && padding == RSA_PKCS1_PSS_PADDING &&
        (EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md_of(method)) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt) != 1)) {
        return failed("cannot use the signer's key with PSS");
    }
    return context;
}

Result<crypto::PkeyCtx> begin_scheme(const Key& key, const Scheme& scheme, Begin operation) {
    SALLYPORT_ASSERT(kind_of(scheme.key_type) == key.kind());  // the caller has compared them, to say so in its words
    const int salt = key.kind() == KeyKind::Rsa ? longest_salt(key, scheme.hash_method) : 0;
    if (salt < 0) {
        return refused(fmt::format("The key ({}) is too short for {}", key.description(), name_of(scheme.hash_method)));
    }
    return begin(key, scheme.hash_method, operation, RSA_PKCS1_PSS_PADDING, salt);
}

/// OpenSSL says 0 for a signature that does not match, and less for one that is malformed.
bool verifies(EVP_PKEY_CTX* context, std::span<const std::byte> digest, std::span<const std::byte> signature) {
    const bool matches =
        EVP_PKEY_verify(context, uchar(signature.data()), signature.size(), uchar(digest.data()), digest.size()) == 1;
    ERR_clear_error();
    return matches;
}

bool verifies_with(const Key& key, HashMethod method, int padding, std::span<const std::byte> digest,
                   std::span<const std::byte> signature) {
    const auto context = begin(key, method, EVP_PKEY_verify_init, padding, RSA_PSS_SALTLEN_AUTO);
    return context && verifies(context->get(), digest, signature);
}

}  // namespace

Result<ImageDigest> ImageDigest::create(HashMethod method) {
    crypto::DigestCtx context(EVP_MD_CTX_new());
    if (context == nullptr || EVP_DigestInit_ex(context.get(), md_of(method), nullptr) != 1) {
        return failed("cannot begin a digest");
    }
    return ImageDigest(std::move(context));
}

Result<void> ImageDigest::update(std::span<const std::byte> data) {
    if (EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1) return failed("cannot digest an image");
    return {};
}

Result<Bytes> ImageDigest::finish() {
    Bytes digest(EVP_MAX_MD_SIZE);
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context_.get(), uchar(digest.data()), &size) != 1) return failed("cannot digest an image");
    digest.resize(size);
    return digest;
}

Result<bool> signature_matches(const Key& key, const Scheme& scheme, std::span<const std::byte> digest,
                               std::span<const std::byte> signature) {
    const crypto::PkeyCtx context = TRY(begin_scheme(key, scheme, EVP_PKEY_verify_init));
    return verifies(context.get(), digest, signature);
}

Result<Bytes> sign_digest(const Key& key, const Scheme& scheme, std::span<const std::byte> digest) {
    const crypto::PkeyCtx context = TRY(begin_scheme(key, scheme, EVP_PKEY_sign_init));
    std::size_t size = 0;
    if (EVP_PKEY_sign(context.get(), nullptr, &size, uchar(digest.data()), digest.size()) != 1) {
        return failed("cannot sign an image");
    }
    Bytes signature(size);
    if (EVP_PKEY_sign(context.get(), uchar(signature.data()), &size, uchar(digest.data()), digest.size()) != 1) {
        return failed("cannot sign an image");
    }
    signature.resize(size);
    return signature;
}

std::string explain_mismatch(const Key& key, const Scheme& scheme, std::span<const std::byte> digest,
                             std::span<const std::byte> signature) {
    if (key.kind() != KeyKind::Rsa) return {};
    if (verifies_with(key, scheme.hash_method, RSA_PKCS1_PSS_PADDING, digest, signature)) {
        return fmt::format("it was made with a shorter PSS salt; it has to be the longest, {} bytes",
                           longest_salt(key, scheme.hash_method));
    }
    if (verifies_with(key, scheme.hash_method, RSA_PKCS1_PADDING, digest, signature)) {
        return "it was made with PKCS #1 v1.5 padding; it has to be PSS";
    }
    return {};
}

}  // namespace sallyport::image
