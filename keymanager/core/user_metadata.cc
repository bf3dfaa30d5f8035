#include "keymanager/core/user_metadata.h"

#include "keymanager/core/context.h"
#include "keymanager/db/metadata_repository.h"

namespace sallyport::core {
namespace {

Error no_such_key(const SecretId& id) { return {Code::NotFound, "Secret metadata not found.", id.str()}; }

}  // namespace

Result<model::UserMetadata> UserMetadata::find(const Caller& caller, const SecretId& id) const {
    return context_.database->read([this, &caller, &id](db::Session& session) -> Result<model::UserMetadata> {
        TRY(context_.permitted(session, caller, "secret_meta:get", id));
        return db::find_user_metadata(session, id);
    });
}

Result<UserMetadata::Entry> UserMetadata::find(const Caller& caller, const SecretId& id, const std::string& key) const {
    const model::UserMetadata all = TRY(find(caller, id));
    const auto found = all.find(key);
    if (found == all.end()) return no_such_key(id);
    return Entry{found->first, found->second};
}

Result<void> UserMetadata::replace(const Caller& caller, const SecretId& id,
                                   const model::UserMetadata& metadata) const {
    return context_.database->write([this, &caller, &id, &metadata](db::Session& session) -> Result<void> {
        TRY(context_.permitted(session, caller, "secret_meta:put", id));
        return db::replace_user_metadata(session, id, metadata, context_.clock.now());
    });
}

Result<void> UserMetadata::add(const Caller& caller, const SecretId& id, const Entry& entry) const {
    const Result<void> added =
        context_.database->write([this, &caller, &id, &entry](db::Session& session) -> Result<void> {
            TRY(context_.permitted(session, caller, "secret_meta:post", id));
            const model::UserMetadata known = TRY(db::find_user_metadata(session, id));
            if (known.contains(entry.name)) return Error{Code::Conflict, "the key is there", id.str()};
            return db::put_user_metadatum(session, id, entry.name, entry.value, context_.clock.now());
        });
    if (added || added.error().code != Code::Conflict) return added;
    return Error{Code::Conflict, "Conflict. Key in request is already in the secret metadata", id.str()};
}

Result<void> UserMetadata::change(const Caller& caller, const SecretId& id, const std::string& key,
                                  const Entry& entry) const {
    return context_.database->write([this, &caller, &id, &key, &entry](db::Session& session) -> Result<void> {
        TRY(context_.permitted(session, caller, "secret_meta:put", id));
        const model::UserMetadata known = TRY(db::find_user_metadata(session, id));
        if (!known.contains(key)) return no_such_key(id);
        // The sentence ends so in Barbican.
        if (entry.name != key) return Error{Code::Conflict, "Key in request data does not match key in the ", id.str()};
        return db::put_user_metadatum(session, id, key, entry.value, context_.clock.now());
    });
}

Result<void> UserMetadata::remove(const Caller& caller, const SecretId& id, const std::string& key) const {
    return context_.database->write([this, &caller, &id, &key](db::Session& session) -> Result<void> {
        TRY(context_.permitted(session, caller, "secret_meta:delete", id));
        return db::remove_user_metadatum(session, id, key);
    });
}

}  // namespace sallyport::core
