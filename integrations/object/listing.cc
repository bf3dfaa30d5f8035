#include "integrations/object/listing.h"

#include <boost/json.hpp>

#include <optional>

#include "integrations/object/object_keys.h"
#include "integrations/object/sealed_value.h"
#include "integrations/object/text.h"
#include "keymanager/base/log.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

Result<ObjectKeys> keys_for_entry(const CryptoMeta& meta, const ObjectPath& container, const KeySource& secrets) {
    if (!meta.key_id) return derive_keys(secrets, container);
    if (!meta.key_id->has_value()) return meta.key_id->error();
    return keys_of(secrets, container, meta.key_id->value());
}

/// One entry that is broken is no reason to hide the others. Swift 2.30 fails the whole listing for some of them.
std::string unknown_hash(std::string_view why) {
    log_warning("a listing's etag cannot be decrypted: {}", why);
    return "<unknown>";
}

/// Error: only what is no fault of the entry.
Result<std::string> decrypted_hash(const SealedValue& sealed, const ObjectPath& container, const KeySource& secrets) {
    if (const auto iv = checked_iv(*sealed.meta); !iv) return unknown_hash(iv.error().message);
    const auto keys = keys_for_entry(*sealed.meta, container, secrets);
    if (!keys && is_passing(keys.error())) return keys.error();
    if (!keys) return unknown_hash(keys.error().message);
    auto hash = unseal(sealed, keys->container);
    if (!hash && is_passing(hash.error())) return hash.error();
    if (!hash) return unknown_hash(hash.error().message);
    // Garbage (a wrong secret under a known id) up to 2.38.0 fails the whole listing; later releases do as we do.
    if (!is_utf8(*hash)) return unknown_hash("it is not text; another root secret under this id?");
    return hash;
}

}  // namespace

Result<std::string> decrypt_listing(std::string_view text, const ObjectPath& container, const KeySource& secrets) {
    const Error malformed{Code::Corrupt, "the store's listing is not a JSON array of objects", {}};
    json::error_code failed;
    json::value listing = json::parse(json::string_view(text.data(), text.size()), failed);
    json::array* entries = failed ? nullptr : listing.if_array();
    if (entries == nullptr) return malformed;
    std::optional<Error> key_missing;
    for (json::value& entry : *entries) {
        json::object* object = entry.if_object();
        if (object == nullptr) return malformed;
        json::value* hash = object->if_contains("hash");
        if (hash == nullptr) continue;
        const json::string* value = hash->if_string();
        if (value == nullptr) return malformed;
        const auto sealed = split_sealed({value->data(), value->size()});
        if (sealed && !sealed->meta) continue;
        auto decrypted = sealed ? decrypted_hash(*sealed, container, secrets) : unknown_hash(sealed.error().message);
        // The other entries go on: then all keys that are missing are known at once (GrantedKeys).
        if (!decrypted && decrypted.error().code == Code::Unavailable) key_missing = decrypted.error();
        if (!decrypted && !key_missing) return decrypted.error();
        if (decrypted) *hash = json::string(*decrypted);
    }
    if (key_missing) return *key_missing;
    return std::string(json::serialize(listing));
}

}  // namespace sallyport::object
