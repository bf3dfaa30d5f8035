#include "integrations/image/private_key.h"

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "integrations/image/der_reader.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

using crypto::Freer;
using DecoderCtx = std::unique_ptr<OSSL_DECODER_CTX, Freer<OSSL_DECODER_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;

constexpr std::string_view PemBegin = "-----BEGIN PRIVATE KEY-----";
constexpr std::string_view PemEnd = "-----END PRIVATE KEY-----";

Error failed() { return {Code::Internal, "cannot read a private key", crypto::openssl_detail()}; }

/// The parts of a key as OpenSSL takes them. Numbers wait in the arena.
class KeyParts {
public:
    bool add_number(const char* name, std::optional<std::span<const std::byte>> bytes) {
        if (!bytes || bytes->empty()) return false;
        BigNumber number(BN_secure_new());
        if (number == nullptr ||
            BN_bin2bn(uchar(bytes->data()), static_cast<int>(bytes->size()), number.get()) == nullptr) {
            return false;
        }
        numbers_.push_back(std::move(number));
        return OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()) == 1;
    }
    bool add_text(const char* name, const char* text) {
        return OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, text, 0) == 1;
    }
    /// Borrows the bytes.
    bool add_public_bytes(const char* name, std::span<const std::byte> bytes) {
        return OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, bytes.data(), bytes.size()) == 1;
    }
    crypto::Pkey key(const char* algorithm) {
        const Params params(OSSL_PARAM_BLD_to_param(builder_.get()));
        const crypto::PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
        EVP_PKEY* key = nullptr;
        if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
            EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
            return nullptr;
        }
        return crypto::Pkey(key);
    }

private:
    ParamBuilder builder_{OSSL_PARAM_BLD_new()};
    std::vector<BigNumber> numbers_;
};

/// RFC 8017, appendix A.1.2: RSAPrivateKey of two primes. Null if it is not that.
crypto::Pkey rsa_key(std::span<const std::byte> encoded) {
    constexpr std::array Numbers{OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                 OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                 OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                 OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    const auto whole = DerReader(encoded).next(DerTag::Sequence);
    if (!whole) return nullptr;
    DerReader numbers(*whole);
    if (!numbers.next(DerTag::Integer)) return nullptr;  // the version
    KeyParts parts;
    for (const char* name : Numbers) {
        if (!parts.add_number(name, numbers.next(DerTag::Integer))) return nullptr;
    }
    return numbers.is_at_end() ? parts.key("RSA") : nullptr;
}

/// The name of the curve that an AlgorithmIdentifier's parameters give by its id (RFC 5480, section 2.1.1).
const char* curve_named_by(std::span<const std::byte> parameters) {
    const unsigned char* at = uchar(parameters.data());
    const std::unique_ptr<ASN1_OBJECT, Freer<ASN1_OBJECT_free>> id(
        d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(parameters.size())));
    const int nid = id == nullptr ? NID_undef : OBJ_obj2nid(id.get());
    return nid == NID_undef ? nullptr : OBJ_nid2sn(nid);
}

/// RFC 5915, section 3: ECPrivateKey with its public key. Null if it is not that.
crypto::Pkey ec_key(std::span<const std::byte> parameters, std::span<const std::byte> encoded) {
    const char* const curve = curve_named_by(parameters);
    const auto whole = DerReader(encoded).next(DerTag::Sequence);
    if (curve == nullptr || !whole) return nullptr;
    DerReader reader(*whole);
    KeyParts parts;
    if (!reader.next(DerTag::Integer) || !parts.add_text(OSSL_PKEY_PARAM_GROUP_NAME, curve) ||
        !parts.add_number(OSSL_PKEY_PARAM_PRIV_KEY, reader.next(DerTag::OctetString))) {
        return nullptr;
    }
    reader.next(DerTag::Context0);  // the curve once more, where somebody likes to say it twice
    const auto tagged = reader.next(DerTag::Context1);
    const auto bits = tagged ? DerReader(*tagged).next(DerTag::BitString) : std::nullopt;
    // A BIT STRING begins with how many bits of its last byte are none.
    if (!bits || bits->size() < 2 || bits->front() != std::byte{0}) return nullptr;
    if (!parts.add_public_bytes(OSSL_PKEY_PARAM_PUB_KEY, bits->subspan(1))) return nullptr;
    return parts.key("EC");
}

/// RFC 5958, section 2: PrivateKeyInfo of an RSA or EC key. Null if it is something else.
crypto::Pkey pkcs8_key(std::span<const std::byte> encoded) {
    const auto whole = DerReader(encoded).next(DerTag::Sequence);
    if (!whole) return nullptr;
    DerReader reader(*whole);
    const auto version = reader.next(DerTag::Integer);
    const auto algorithm = reader.next(DerTag::Sequence);
    const auto key = reader.next(DerTag::OctetString);
    if (!version || !algorithm || !key) return nullptr;

    DerReader identifier(*algorithm);
    const auto id = identifier.next(DerTag::ObjectId);
    constexpr std::string_view RsaEncryption = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    constexpr std::string_view EcPublicKey = "\x2a\x86\x48\xce\x3d\x02\x01";
    if (id && text_of(*id) == RsaEncryption) return rsa_key(*key);
    if (id && text_of(*id) == EcPublicKey) return ec_key(identifier.rest(), *key);
    return nullptr;
}

/// The DER of unencrypted PKCS #8 in PEM; empty if it is not that.
Result<SecureBytes> without_armour(std::span<const std::byte> encoded) {
    const std::string_view text = text_of(encoded);
    const std::size_t begin = text.find(PemBegin);
    const std::size_t end = begin == std::string_view::npos ? begin : text.find(PemEnd, begin);
    if (end == std::string_view::npos) return SecureBytes();
    const std::size_t first = begin + PemBegin.size();
    auto der =
        from_base64_secure(encoded.subspan(first, end - first), Base64Alphabet::Standard, Base64Strictness::Lenient);
    if (!der && der.error().code == Code::InvalidInput) return SecureBytes();
    return der;
}

Result<Key> decode(std::span<const std::byte> encoded, const std::optional<SecureBytes>& passphrase) {
    EVP_PKEY* key = nullptr;
    const DecoderCtx decoder(
        OSSL_DECODER_CTX_new_for_pkey(&key, nullptr, nullptr, nullptr, EVP_PKEY_KEYPAIR, nullptr, nullptr));
    if (decoder == nullptr) return failed();
    // Without one an encrypted key fails to open, which is right: OpenSSL must not ask on the terminal.
    if (passphrase) {
        const auto words = passphrase->reveal();
        if (OSSL_DECODER_CTX_set_passphrase(decoder.get(), uchar(words.data()), words.size()) != 1) return failed();
    }
    const unsigned char* at = uchar(encoded.data());
    std::size_t left = encoded.size();
    if (OSSL_DECODER_from_data(decoder.get(), &at, &left) != 1 || key == nullptr) {
        EVP_PKEY_free(key);
        if (passphrase) return Error{Code::WrongKey, "the passphrase opens no private key", crypto::openssl_detail()};
        return Error{Code::InvalidInput, "no private key in PEM or DER that opens without a passphrase",
                     crypto::openssl_detail()};
    }
    return Key::take(key);
}

}  // namespace

Result<Key> read_private_key(const SecureBytes& encoded, const std::optional<SecureBytes>& passphrase) {
    const auto bytes = encoded.reveal();
    const SecureBytes der = TRY(without_armour(bytes));
    crypto::Pkey key = pkcs8_key(der.empty() ? bytes : der.reveal());
    ERR_clear_error();
    if (key != nullptr) return Key::take(key.release());
    return decode(bytes, passphrase);
}

}  // namespace sallyport::image
