#include "keymanager/core/key_manager.h"

#include <span>
#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/core/context.h"
#include "keymanager/core/row_cache.h"
#include "keymanager/core/total_cache.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {
namespace {

using model::Secret;

/// So many of the oldest pKEKs, and of the newest, prove a master key: a rotation half done shows at either end.
constexpr int ProofKeks = 32;

/// On a database that somebody else filled no canary tells whose master key it is, so the keys in it have to. Before
/// anything is written: under a wrong master key not even our tables belong there.
Result<void> prove_master_key(db::Database& database, store::SecretStore& store) {
    const store::StoreInfo& info = store.info();
    const auto keks = TRY(database.read([&info](db::Session& session) {
        return db::find_keks_without_canary(session, info.name, info.crypto_plugin, ProofKeks);
    }));
    for (const model::KekMeta& kek : keks) TRY(store.check_kek(kek));
    return {};
}

}  // namespace

struct KeyManager::Impl {
    explicit Impl(Context shared) : context(std::move(shared)) {}

    Context context;
    Orders orders{context};
    AccessLists access_lists{context};
    Containers containers{context};
    Consumers consumers{context};
    UserMetadata user_metadata{context};
    Quotas quotas{context};
    TransportKeys transport_keys{context};
    LifeCycle life_cycle{context};
    VolumeKeys volume_keys{context};
    Volumes volumes{context};
    KeyImport key_import{context};
    ImageKeys image_keys{context};
    RowCache rows{};
    TotalCache totals{};

    /// What was read before, if nothing was written since; else it is read now.
    Result<RowCache::Row> find_with_payload(const SecretId& id) {
        const Timestamp now = context.clock.now();
        // Before the read: a commit that comes between the two makes the row look old, never new.
        const auto mark = context.database->commit_mark();
        if (mark) {
            const auto kept = rows.find(id, *mark);
            const bool alive =
                kept && (!kept->secret.attributes.expiration || *kept->secret.attributes.expiration > now);
            if (alive) return kept;
        }
        auto row = std::make_shared<const db::SecretWithPayload>(TRY(context.database->read(
            [&id, now](db::Session& session) { return db::find_secret_with_payload(session, id, now); })));
        if (mark) rows.put(id, *mark, row);
        return RowCache::Row(std::move(row));
    }
};

KeyManager::KeyManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyManager::~KeyManager() = default;

Result<std::unique_ptr<KeyManager>> KeyManager::open(std::unique_ptr<db::Database> database,
                                                     std::unique_ptr<store::SecretStore> store, AccessPolicy policy,
                                                     const Clock& clock, const KeyManagerLimits& limits) {
    TRY(prove_master_key(*database, *store));
    TRY(database->create_schema());
    const std::string& name = store->info().name;
    const auto canary = TRY(database->read([&name](db::Session& session) { return db::find_canary(session, name); }));
    if (canary) {
        TRY(store->check_canary(*canary));
    } else {
        const std::string fresh = TRY(store->make_canary());
        TRY(database->write([&name, &fresh, &clock](db::Session& session) {
            return db::put_canary(session, name, fresh, clock.now());
        }));
    }
    std::unique_ptr<Impl> impl(new Impl{{std::move(database), std::move(store), std::move(policy), clock, limits}});
    return std::unique_ptr<KeyManager>(new KeyManager(std::move(impl)));
}

KekCare KeyManager::kek_care() { return {*impl_->context.database, *impl_->context.store, impl_->context.clock}; }
const store::SecretStore& KeyManager::secret_store() const { return *impl_->context.store; }
Orders& KeyManager::orders() { return impl_->orders; }
AccessLists& KeyManager::access_lists() { return impl_->access_lists; }
Containers& KeyManager::containers() { return impl_->containers; }
Consumers& KeyManager::consumers() { return impl_->consumers; }
UserMetadata& KeyManager::user_metadata() { return impl_->user_metadata; }
Quotas& KeyManager::quotas() { return impl_->quotas; }
TransportKeys& KeyManager::transport_keys() { return impl_->transport_keys; }
LifeCycle& KeyManager::life_cycle() { return impl_->life_cycle; }
VolumeKeys& KeyManager::volume_keys() { return impl_->volume_keys; }
Volumes& KeyManager::volumes() { return impl_->volumes; }
KeyImport& KeyManager::key_import() { return impl_->key_import; }
ImageKeys& KeyManager::image_keys() { return impl_->image_keys; }

const AccessPolicy& KeyManager::policy() const { return impl_->context.policy; }
Timestamp KeyManager::now() const { return impl_->context.clock.now(); }

Result<void> KeyManager::check(const Caller& caller, std::string_view action) const {
    return impl_->context.ask(caller, action);
}

Result<Secret> KeyManager::check(const Caller& caller, std::string_view action, const SecretId& id) {
    const Context& context = impl_->context;
    return context.database->read([&context, &caller, action, &id](db::Session& session) {
        return context.permitted(session, caller, action, id);
    });
}

Result<model::Container> KeyManager::check(const Caller& caller, std::string_view action, const ContainerId& id) {
    const Context& context = impl_->context;
    return context.database->read([&context, &caller, action, &id](db::Session& session) {
        return context.permitted(session, caller, action, id);
    });
}

Result<SecretId> KeyManager::store(const Caller& caller, const model::SecretAttributes& attributes,
                                   std::optional<Payload> payload) {
    const Context& context = impl_->context;
    TRY(context.ask(caller, "secrets:post"));
    TRY(within_limit(context, payload));
    const NewSecret entry{new_secret(context, caller, attributes), std::move(payload)};
    TRY(context.database->write([&context, &entry](db::Session& session) -> Result<void> {
        TRY(within_quota(context, session, entry.secret.project, Counted::Secrets));
        return write_secret(context, session, entry);
    }));
    return entry.secret.id;
}

Result<void> KeyManager::add_payload(const Caller& caller, const SecretId& id, Payload payload) {
    const Context& context = impl_->context;
    const std::optional<Payload> entry(std::move(payload));
    return context.database->write([&context, &caller, &id, &entry](db::Session& session) -> Result<void> {
        const Secret secret = TRY(context.permitted(session, caller, "secret:put", id));
        TRY(within_limit(context, entry));
        if (secret.content_type) {
            return Error{Code::Conflict, "Secret already has data, cannot modify it.", id.str()};
        }
        return write_payload(context, session, secret, *entry);
    });
}

Result<Secret> KeyManager::describe(const Caller& caller, const SecretId& id, Detail detail) {
    const Context& context = impl_->context;
    return context.database->read([&context, &caller, &id, detail](db::Session& session) -> Result<Secret> {
        Secret secret = TRY(context.permitted(session, caller, "secret:get", id));
        if (detail == Detail::WithConsumers) TRY(db::load_consumers(session, std::span(&secret, 1)));
        return secret;
    });
}

Result<model::PageOf<Secret>> KeyManager::list(const Caller& caller, const model::SecretFilter& filter,
                                               const model::Page& page, Detail detail) {
    const Context& context = impl_->context;
    TRY(context.ask(caller, "secrets:get"));
    const Timestamp now = context.clock.now();
    const auto mark = context.database->commit_mark();
    const auto known = mark ? impl_->totals.find(caller.project, filter, *mark, now) : std::nullopt;
    Timestamp until;
    auto found = TRY(context.database->read([&](db::Session& session) -> Result<model::PageOf<Secret>> {
        auto listed = TRY(db::list_secrets(session, caller.project, filter, page, now, known));
        if (mark && !known) until = TRY(db::next_expiration(session, now));
        if (detail == Detail::WithConsumers) TRY(db::load_consumers(session, std::span(listed.items)));
        return listed;
    }));
    if (mark && !known) impl_->totals.put(caller.project, filter, *mark, {found.total, until});
    return found;
}

Result<Payload> KeyManager::fetch(const Caller& caller, const SecretId& id) {
    const auto found = TRY(impl_->find_with_payload(id));
    TRY(impl_->context.ask(caller, "secret:decrypt", target_of(found->secret, caller, "secret:decrypt")));
    return open_payload(impl_->context, *found);
}

Result<Deletion> KeyManager::remove(const Caller& caller, const SecretId& id) {
    const Context& context = impl_->context;
    return context.database->write([&context, &caller, &id](db::Session& session) -> Result<Deletion> {
        const Secret secret = TRY(context.permitted(session, caller, "secret:delete", id));
        const Deletion deletion = TRY(heed_consumers(context, session, secret));
        TRY(db::delete_secret(session, id, context.clock.now()));
        return deletion;
    });
}

}  // namespace sallyport::core
