#include "keymanager/core/key_order.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace sallyport::core {
namespace {

// Barbican asks twice: the store names some algorithms, the crypto plug-in others ("desede" here, "3des" there), and an
// order needs both.
constexpr std::array KnownToTheStore{
    "aes", "des", "desede", "hmacsha1", "hmacsha256", "hmacsha384", "hmacsha512", "diffie_hellman", "dsa", "rsa", "ec"};
constexpr std::array Symmetric{"aes", "des", "hmacsha1", "hmacsha256", "hmacsha384", "hmacsha512"};
constexpr std::array SymmetricBits{64, 128, 192, 256};
constexpr std::array KeyPairBits{1024, 2048, 4096};
constexpr std::array CurveBits{256, 384, 521};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool contains(const auto& list, const auto& value) { return std::ranges::find(list, value) != list.end(); }

std::optional<OrderFailure> unknown_algorithm(const std::string& algorithm) {
    if (contains(KnownToTheStore, algorithm)) return std::nullopt;
    return OrderFailure{"400", "Process TypeOrder issue seen - Secret generate supported plugin not found.."};
}

OrderFailure unsupported_algorithm() {
    return {"400", "Process TypeOrder issue seen - Requested algorithm is not supported."};
}

}  // namespace

OrderFailure internal_order_failure() {
    return {"500", "Process TypeOrder failure seen - please contact site administrator."};
}

std::variant<SymmetricKeySpec, OrderFailure> symmetric_key_spec(const model::SecretAttributes& attributes) {
    const std::string algorithm = lower(attributes.algorithm.value_or(""));
    if (auto failure = unknown_algorithm(algorithm)) return *std::move(failure);
    if (!contains(Symmetric, algorithm)) return unsupported_algorithm();
    const int bits = attributes.bit_length.value_or(0);
    // Mode XTS takes two keys of the cipher's length (IEEE 1619-2018, section 5.1).
    const bool xts = lower(attributes.mode.value_or("")) == "xts";
    if (bits % 8 != 0 || (xts && bits % 2 != 0) || !contains(SymmetricBits, xts ? bits / 2 : bits)) {
        return internal_order_failure();
    }
    return SymmetricKeySpec{static_cast<std::size_t>(bits) / 8};
}

std::variant<KeyPairSpec, OrderFailure> key_pair_spec(const model::SecretAttributes& attributes) {
    const std::string algorithm = lower(attributes.algorithm.value_or(""));
    if (auto failure = unknown_algorithm(algorithm)) return *std::move(failure);
    const int bits = attributes.bit_length.value_or(0);
    // Ours: Barbican's simple_crypto makes no keys on curves.
    if (algorithm == "ec" && contains(CurveBits, bits)) return KeyPairSpec{crypto::KeyPairAlgorithm::Ec, bits};
    if (algorithm != "rsa" && algorithm != "dsa") return unsupported_algorithm();
    if (!contains(KeyPairBits, bits)) return internal_order_failure();
    const auto kind = algorithm == "rsa" ? crypto::KeyPairAlgorithm::Rsa : crypto::KeyPairAlgorithm::Dsa;
    // FIPS 186-4 knows no DSA key of 4096 bits, and Barbican's library makes none either.
    if (kind == crypto::KeyPairAlgorithm::Dsa && bits > 3072) return internal_order_failure();
    return KeyPairSpec{kind, bits};
}

}  // namespace sallyport::core
