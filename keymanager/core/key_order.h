#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "keymanager/crypto/key_pair.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

/// Why an order ends in ERROR: its two columns.
struct OrderFailure {
    std::string status_code;
    std::string reason;
};

struct SymmetricKeySpec {
    std::size_t bytes;
};
struct KeyPairSpec {
    crypto::KeyPairAlgorithm algorithm;
    int bits;
};

/// What simple_crypto would generate for a key order of these attributes, or why it would not.
std::variant<SymmetricKeySpec, OrderFailure> symmetric_key_spec(const model::SecretAttributes& attributes);
std::variant<KeyPairSpec, OrderFailure> key_pair_spec(const model::SecretAttributes& attributes);

/// What went wrong is ours to know: the order says 500.
OrderFailure internal_order_failure();

}  // namespace sallyport::core
