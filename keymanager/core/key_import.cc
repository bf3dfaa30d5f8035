#include "keymanager/core/key_import.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "keymanager/core/context.h"
#include "keymanager/core/payload.h"
#include "keymanager/core/quotas.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

constexpr std::string_view KeyContentType = "application/octet-stream";

model::SecretAttributes attributes_of(const KeyImport::Entry& entry, const SecureBytes& key) {
    model::SecretAttributes attributes;
    attributes.name = entry.name;
    attributes.type = model::SecretType::Symmetric;
    attributes.algorithm = "AES";
    attributes.bit_length = static_cast<int>(key.size() * 8);
    return attributes;
}

/// Adds whoever is not in the list yet; true if it has changed.
bool add_users(model::AccessList& list, std::span<const UserId> users) {
    bool changed = false;
    for (const UserId& user : users) {
        if (std::ranges::find(list.users, user) != list.users.end()) continue;
        list.users.push_back(user);
        changed = true;
    }
    return changed;
}

}  // namespace

Result<std::vector<SecretId>> KeyImport::store(std::span<const Entry> entries, const SecureBytes& key) const {
    const Context& context = context_;
    std::vector<NewSecret> secrets;
    std::vector<SecretId> ids;
    for (const Entry& entry : entries) {
        TRY(context.ask(entry.owner, "secrets:post"));
        std::optional<Payload> payload(Payload {
            TRY(key.clone())
            , std::string(KeyContentType)
        });
        TRY(within_limit(context, payload));
        secrets.push_back({new_secret(context, entry.owner, attributes_of(entry, key)), std::move(payload)});
        ids.push_back(secrets.back().secret.id);
    }
    TRY(context.database->write([&](db::Session& session) -> Result<void> {
        for (std::size_t i = 0; i < secrets.size(); ++i) {
            TRY(within_quota(context, session, secrets[i].secret.project, Counted::Secrets));
            TRY(write_secret(context, session, secrets[i]));
            model::AccessList list;
            if (!add_users(list, entries[i].readers)) continue;
            TRY(db::put_acl(session, ids[i], list, context.clock.now()));
        }
        return {};
    }));
    return ids;
}

Result<void> KeyImport::let_in(const SecretId& id, std::span<const UserId> users) const {
    const Context& context = context_;
    return context.database->write([&](db::Session& session) -> Result<void> {
        const model::Secret secret = TRY(db::find_secret(session, id, context.clock.now()));
        model::AccessList list = secret.acl.value_or(model::AccessList());
        if (!add_users(list, users)) return {};
        return db::put_acl(session, id, list, context.clock.now());
    });
}

Result<std::vector<KeyImport::Imported>> KeyImport::find(std::string_view prefix) const {
    const auto found = TRY(context_.database->read([this, prefix](db::Session& session) {
        return db::find_secrets_named(session, prefix, context_.clock.now());
    }));
    std::vector<Imported> imported;
    for (const db::NamedSecret& secret : found) imported.push_back({secret.id, secret.name});
    return imported;
}

Result<void> KeyImport::remove(const SecretId& id) const {
    return context_.database->write([this, &id](db::Session& session) -> Result<void> {
        const auto removed = db::delete_secret(session, id, context_.clock.now());
        if (removed || removed.error().code == Code::NotFound) return {};
        return removed.error();
    });
}

}  // namespace sallyport::core
