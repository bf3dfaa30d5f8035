#include "keymanager/model/secret.h"

#include "keymanager/base/assert.h"

namespace sallyport::model {

std::string_view text_of(SecretType type) {
    switch (type) {
        case SecretType::Symmetric: return "symmetric";
        case SecretType::Public: return "public";
        case SecretType::Private: return "private";
        case SecretType::Passphrase: return "passphrase";
        case SecretType::Certificate: return "certificate";
        case SecretType::Opaque: return "opaque";
    }
    SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
}

std::optional<SecretType> secret_type_from(std::string_view text) {
    using enum SecretType;
    for (const SecretType type : {Symmetric, Public, Private, Passphrase, Certificate, Opaque}) {
        if (text == text_of(type)) return type;
    }
    return std::nullopt;
}

std::string_view text_of(Status status) {
    switch (status) {
        case Status::Active: return "ACTIVE";
        case Status::Pending: return "PENDING";
        case Status::Error: return "ERROR";
    }
    SALLYPORT_ASSERT(false);  // as above
}

std::optional<Status> status_from(std::string_view text) {
    for (const Status status : {Status::Active, Status::Pending, Status::Error}) {
        if (text == text_of(status)) return status;
    }
    return std::nullopt;
}

bool is_expired(const Secret& secret, Timestamp now) {
    // Barbican selects `expiration IS NULL OR expiration > now`: at its very instant a secret is gone.
    return secret.attributes.expiration && *secret.attributes.expiration <= now;
}

}  // namespace sallyport::model
