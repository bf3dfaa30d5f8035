#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/error.h"

/// Signatures of images as Glance, Cinder and Nova know them, through the library cursive: four properties of an image
/// that name a signature, a hash, a kind of key and a certificate in the key manager.
namespace sallyport::image {

/// What `img_signature_hash_method` may say.
enum class HashMethod { Sha224, Sha256, Sha384, Sha512 };

/// What `img_signature_key_type` may say. RSA signs with PSS, the others by their standards in DER.
enum class KeyType { RsaPss, Dsa, EccSect571k1, EccSect409k1, EccSect571r1, EccSect409r1, EccSecp521r1, EccSecp384r1 };

/// By which rules a signature is judged.
enum class Rules {
    Strict,  ///< cursive's, and those that it leaves out: dates, size, curve and usage of the key, certificates' hashes
    Cursive  ///< what cursive 0.2.3 says, with its oddities, so that a node can tell beforehand what Glance will do
};

/// "SHA-256". Case matters on the way back.
std::string_view name_of(HashMethod method);
std::optional<HashMethod> hash_method_of(std::string_view name);
/// "RSA-PSS", "ECC_SECP384R1".
std::string_view name_of(KeyType type);
std::optional<KeyType> key_type_of(std::string_view name);

/// The curve of an ECC_ type by OpenSSL's name, "secp384r1"; empty for the others.
std::string_view curve_of(KeyType type);
/// The type of keys on this curve.
std::optional<KeyType> key_type_of_curve(std::string_view curve);

/// A refusal in cursive's frame: "Signature verification for the image failed: REASON."
Error refused(std::string_view reason);

}  // namespace sallyport::image
