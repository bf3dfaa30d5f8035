#include "integrations/image/signature_types.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace sallyport::image {
namespace {

struct KeyTypeRow {
    KeyType type;
    std::string_view name;
    std::string_view curve;
};

constexpr std::array<KeyTypeRow, 8> KeyTypes{{{KeyType::RsaPss, "RSA-PSS", ""},
                                              {KeyType::Dsa, "DSA", ""},
                                              {KeyType::EccSect571k1, "ECC_SECT571K1", "sect571k1"},
                                              {KeyType::EccSect409k1, "ECC_SECT409K1", "sect409k1"},
                                              {KeyType::EccSect571r1, "ECC_SECT571R1", "sect571r1"},
                                              {KeyType::EccSect409r1, "ECC_SECT409R1", "sect409r1"},
                                              {KeyType::EccSecp521r1, "ECC_SECP521R1", "secp521r1"},
                                              {KeyType::EccSecp384r1, "ECC_SECP384R1", "secp384r1"}}};

constexpr std::array<std::pair<HashMethod, std::string_view>, 4> HashMethods{{{HashMethod::Sha224, "SHA-224"},
                                                                              {HashMethod::Sha256, "SHA-256"},
                                                                              {HashMethod::Sha384, "SHA-384"},
                                                                              {HashMethod::Sha512, "SHA-512"}}};

const KeyTypeRow& row_of(KeyType type) {
    for (const KeyTypeRow& row : KeyTypes) {
        if (row.type == type) return row;
    }
    return KeyTypes.front();  // not reached: the table has every enumerator
}

}  // namespace

std::string_view name_of(HashMethod method) {
    for (const auto& [known, name] : HashMethods) {
        if (known == method) return name;
    }
    return {};
}

std::optional<HashMethod> hash_method_of(std::string_view name) {
    for (const auto& [method, known] : HashMethods) {
        if (known == name) return method;
    }
    return std::nullopt;
}

std::string_view name_of(KeyType type) { return row_of(type).name; }

std::optional<KeyType> key_type_of(std::string_view name) {
    for (const KeyTypeRow& row : KeyTypes) {
        if (row.name == name) return row.type;
    }
    return std::nullopt;
}

std::string_view curve_of(KeyType type) { return row_of(type).curve; }

std::optional<KeyType> key_type_of_curve(std::string_view curve) {
    for (const KeyTypeRow& row : KeyTypes) {
        if (!curve.empty() && row.curve == curve) return row.type;
    }
    return std::nullopt;
}

Error refused(std::string_view reason) {
    return {Code::Refused, fmt::format("Signature verification for the image failed: {}.", reason), {}};
}

}  // namespace sallyport::image
