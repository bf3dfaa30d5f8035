#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/api/rejection.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/model/secret.h"

namespace sallyport::api {

/// What POST /v1/secrets asks for, and the part of an order's meta that describes the key.
struct SecretBody {
    model::SecretAttributes attributes;
    std::optional<SecureBytes> payload;  ///< decoded
    std::string payload_type;            ///< normalised; of a payload
    bool wants_transport_key = false;
    bool has_transport_key_id = false;
};

struct SecretBodyRules {
    Timestamp now;
    std::size_t secret_bytes;   ///< limit on a payload as it was transferred
    bool within_order = false;  ///< names the schema so, and allows a payload_content_type without a payload
};

/// Rejection: 400 and 413, in Barbican's order of checks. Error of the arena: throws std::bad_alloc, as all JSON does.
Checked<SecretBody> parse_secret_body(const boost::json::value& body, const SecretBodyRules& rules);

}  // namespace sallyport::api
