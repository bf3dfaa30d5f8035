#include "integrations/object/rewrap.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "integrations/object/crypto_meta.h"
#include "integrations/object/decrypt_stream.h"
#include "integrations/object/encrypt_stream.h"
#include "integrations/object/names.h"
#include "integrations/object/sealed_value.h"

namespace sallyport::object {
namespace {

/// The key_id of a crypto meta that has to have one.
Result<KeyId> key_id_of(const CryptoMeta& meta) {
    if (!meta.key_id) return Error{Code::Corrupt, "crypto metadata without a key_id", {}};
    return *meta.key_id;
}

Result<std::optional<CryptoMeta>> meta_of(const Headers& stored, std::string_view name) {
    const std::string* header = stored.find(name);
    if (header == nullptr) return {std::nullopt};
    CryptoMeta meta = TRY(crypto_meta_from_header(*header));
    return {std::move(meta)};
}

/// The listing's etag, if it is there and sealed.
Result<std::optional<SealedValue>> sealed_listing_etag(const Headers& stored) {
    const std::string* header = stored.find(ListingEtag);
    if (header == nullptr || header->empty()) return {std::nullopt};
    SealedValue sealed = TRY(split_sealed(*header));
    if (!sealed.meta) return {std::nullopt};
    return {std::move(sealed)};
}

bool is_md5(std::string_view text) {
    return text.size() == 32 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// One object's headers on their way from the old keys to the new ones.
class Rewrap {
public:
    Rewrap(const Headers& stored, const ObjectPath& path, const RootSecrets& secrets, RandomSource& random)
        : stored_(stored), path_(path), secrets_(secrets), random_(random) {}

    Result<Headers> run() {
        fresh_ = TRY(derive_keys(secrets_, path_));
        fresh_id_ = TRY(key_id_to_write(secrets_, path_));
        TRY(body());
        TRY(listing_etag());
        TRY(metadata());
        return std::move(changed_);
    }

private:
    Result<void> body() {
        auto meta = TRY(meta_of(stored_, BodyMeta));
        if (!meta) return {};
        const KeyId old_id = TRY(key_id_of(*meta));
        const ObjectKeys old = TRY(keys_of(secrets_, path_, old_id));
        const SecureBytes body_key = TRY(unwrap_body_key(*meta, old.object));
        // Nothing tells a wrong body key; the ETag under the same secret does.
        const std::string* etag = stored_.find(CryptoEtag);
        if (etag == nullptr) return Error{Code::Corrupt, "an encrypted body without a sealed ETag", {}};
        const SealedValue sealed = TRY(split_sealed(*etag));
        const std::string md5 = TRY(unseal(sealed, old.object));
        if (!is_md5(md5)) return Error{Code::WrongKey, "the ETag decrypts to garbage", {}};
        meta->body_key = TRY(wrap_body_key(body_key, fresh_.object, random_));
        meta->key_id = fresh_id_;
        changed_.set(BodyMeta, TRY(to_header(*meta)));
        changed_.set(CryptoEtag, TRY(seal(md5, fresh_.object, random_)));
        changed_.set(CryptoEtagMac, TRY(etag_mac(fresh_.object, md5)));
        return {};
    }

    Result<void> listing_etag() {
        const auto sealed = TRY(sealed_listing_etag(stored_));
        if (!sealed) return {};
        const KeyId old_id = TRY(key_id_of(*sealed->meta));
        const ObjectKeys old = TRY(keys_of(secrets_, path_, old_id));
        const std::string etag = TRY(unseal(*sealed, old.container));
        changed_.set(ListingEtag, TRY(seal(etag, fresh_.container, random_, fresh_id_)));
        return {};
    }

    Result<void> metadata() {
        auto meta = TRY(meta_of(stored_, TransientMeta));
        if (!meta) return {};
        const KeyId old_id = TRY(key_id_of(*meta));
        const ObjectKeys old = TRY(keys_of(secrets_, path_, old_id));
        for (const auto& [name, value] : stored_) {
            if (!starts_with_no_case(name, SealedMetaPrefix) || value.empty()) continue;
            const SealedValue sealed = TRY(split_sealed(value));
            const std::string clear = TRY(unseal(sealed, old.object));
            changed_.set(name, TRY(seal(clear, fresh_.object, random_)));
        }
        meta->key_id = fresh_id_;
        changed_.set(TransientMeta, TRY(to_header(*meta)));
        return {};
    }

    const Headers& stored_;
    const ObjectPath& path_;
    const RootSecrets& secrets_;
    RandomSource& random_;
    ObjectKeys fresh_;
    KeyId fresh_id_;
    Headers changed_;
};

}  // namespace

Result<std::set<std::string>> secrets_in_use(const Headers& stored) {
    std::set<std::string> ids;
    for (const std::string_view name : {BodyMeta, TransientMeta}) {
        const auto meta = TRY(meta_of(stored, name));
        if (!meta) continue;
        const KeyId id = TRY(key_id_of(*meta));
        ids.insert(id.secret_id);
    }
    const auto sealed = TRY(sealed_listing_etag(stored));
    if (sealed) {
        const KeyId id = TRY(key_id_of(*sealed->meta));
        ids.insert(id.secret_id);
    }
    return ids;
}

Result<std::optional<Headers>> rewrapped(const Headers& stored, const ObjectPath& path, const RootSecrets& secrets,
                                         RandomSource& random) {
    const std::set<std::string> ids = TRY(secrets_in_use(stored));
    const bool is_current =
        std::ranges::all_of(ids, [&secrets](const std::string& id) { return id == secrets.active(); });
    if (is_current) return {std::nullopt};
    Headers changed = TRY(Rewrap(stored, path, secrets, random).run());
    return {std::move(changed)};
}

}  // namespace sallyport::object
