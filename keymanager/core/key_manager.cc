#include "keymanager/core/key_manager.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"
#include "keymanager/core/key_order.h"
#include "keymanager/core/row_cache.h"
#include "keymanager/crypto/key_pair.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {
namespace {

using model::Secret;
using model::Status;

Error no_payload() { return Error{Code::NotFound, "Not Found. Sorry but your secret has no payload.", {}}; }
Error has_payload() { return Error{Code::Conflict, "Secret already has data, cannot modify it.", {}}; }

/// The attributes that Barbican hands to its policy for a secret. Those for its access list leave the list out, so that
/// whoever may change a shared secret may also change the list of a private one, as there.
Target target_of(const Secret& secret, const Caller& caller, std::string_view action) {
    Target target;
    target.set("target.secret.project_id", secret.project.str());
    if (secret.creator) target.set("target.secret.creator_id", secret.creator->str());
    if (action.starts_with("secret_acls:")) return target;
    const bool shared = !secret.acl || secret.acl->project_access;
    target.set("target.secret.read_project_access", shared ? "True" : "False");
    if (secret.acl && std::ranges::find(secret.acl->users, caller.user) != secret.acl->users.end()) {
        target.set("target.secret.read", "read");
    }
    return target;
}

Target target_of(const model::Order& order) {
    Target target;
    target.set("target.order.project_id", order.project.str());
    if (order.creator) target.set("target.order.creator_id", order.creator->str());
    return target;
}

Target target_of(const model::Container& container) {
    Target target;
    target.set("target.container.project_id", container.project.str());
    if (container.creator) target.set("target.container.creator_id", container.creator->str());
    target.set("target.container.read_project_access", "True");
    return target;
}

/// A secret with its payload on the way in: everything that can fail without the database has happened.
struct NewSecret {
    Secret secret;
    std::optional<Payload> payload;
};

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

constexpr std::string_view PassphrasePart = "private_key_passphrase";

}  // namespace

struct KeyManager::Impl {
    std::unique_ptr<db::Database> database;
    std::unique_ptr<store::SecretStore> store;
    AccessPolicy policy;
    const Clock& clock;
    KeyManagerLimits limits;
    RowCache rows{};

    Result<void> ask(const Caller& caller, std::string_view action, const Target& target) const {
        if (policy.allows(action, caller, target)) return {};
        return Error{Code::Forbidden, "not allowed",
                     "policy refuses " + std::string(action) + " to user " + caller.user.str()};
    }

    Result<Secret> permitted(db::Session& session, const Caller& caller, std::string_view action, const SecretId& id) {
        Secret secret = TRY(db::find_secret(session, id, clock.now()));
        TRY(ask(caller, action, target_of(secret, caller, action)));
        return secret;
    }

    Result<Secret> permitted(const Caller& caller, std::string_view action, const SecretId& id) {
        return database->read(
            [this, &caller, action, &id](db::Session& session) { return permitted(session, caller, action, id); });
    }

    Secret new_secret(const Caller& caller, const model::SecretAttributes& attributes) const {
        Secret secret;
        secret.id = SecretId(random_uuid());
        secret.attributes = attributes;
        secret.project = caller.project;
        secret.creator = caller.user;
        secret.status = Status::Active;
        secret.created = secret.updated = clock.now();
        return secret;
    }

    Result<void> within_limit(const std::optional<Payload>& payload) const {
        if (!payload || payload->bytes.size() <= limits.secret_bytes) return {};
        return Error{Code::TooLarge, "Provided information too large to process", {}};
    }

    /// The project's key-encryption key, made on first use. Inside the transaction that uses it: of two first stores
    /// one waits for the other and finds the key, so a project never gets two.
    Result<model::KekMeta> ensure_kek(db::Session& session, const ProjectId& project) {
        auto kek = TRY(db::find_kek(session, project, store->info().crypto_plugin));
        if (kek) return *std::move(kek);
        model::KekMeta fresh = TRY(store->bind_kek(project));
        TRY(db::ensure_project(session, project, clock.now()));
        TRY(db::insert_kek(session, fresh, clock.now()));
        return fresh;
    }

    Result<void> write_payload(db::Session& session, const Secret& secret, const Payload& payload) {
        const model::KekMeta kek = TRY(ensure_kek(session, secret.project));
        const model::WrappedSecret wrapped = TRY(store->wrap(kek, {secret.id, secret.project}, payload.bytes));
        return db::insert_payload(session, secret.id, kek.id, wrapped, payload.content_type, store->info().store_plugin,
                                  clock.now());
    }

    Result<void> write_secret(db::Session& session, const NewSecret& entry) {
        TRY(db::ensure_project(session, entry.secret.project, entry.secret.created));
        TRY(db::insert_secret(session, entry.secret));
        if (entry.payload) TRY(write_payload(session, entry.secret, *entry.payload));
        return {};
    }

    /// What was read before, if nothing was written since; else it is read now.
    Result<RowCache::Row> find_with_payload(const SecretId& id) {
        const Timestamp now = clock.now();
        // Before the read: a commit that comes between the two makes the row look old, never new.
        const auto mark = database->commit_mark();
        if (mark) {
            const auto kept = rows.find(id, *mark);
            const bool alive =
                kept && (!kept->secret.attributes.expiration || *kept->secret.attributes.expiration > now);
            if (alive) return kept;
        }
        auto row = std::make_shared<const db::SecretWithPayload>(TRY(database->read(
            [&id, now](db::Session& session) { return db::find_secret_with_payload(session, id, now); })));
        if (mark) rows.put(id, *mark, row);
        return RowCache::Row(std::move(row));
    }

    Result<Payload> open_payload(const db::SecretWithPayload& found) {
        if (!found.payload) return no_payload();
        const db::StoredPayload& stored = *found.payload;
        SecureBytes bytes = TRY(store->unwrap(stored.kek, {found.secret.id, found.secret.project}, stored.wrapped));
        return Payload{std::move(bytes), stored.content_type};
    }

    // Orders

    model::Order new_order(const Caller& caller, const OrderRequest& request) const {
        model::Order order;
        order.id = OrderId(random_uuid());
        order.type = request.type;
        order.meta = request.meta;
        order.project = caller.project;
        order.creator = caller.user;
        order.created = order.updated = clock.now();
        return order;
    }

    static void finish(model::Order& order) {
        order.status = Status::Active;
        order.sub_status = order.sub_status_message = "Unknown";
    }

    static void fail(model::Order& order, OrderFailure failure) {
        order.status = Status::Error;
        order.error_status_code = std::move(failure.status_code);
        order.error_reason = std::move(failure.reason);
    }

    NewSecret made(const Caller& caller, const OrderRequest& request, model::SecretType type, SecureBytes bytes) const {
        model::SecretAttributes attributes = request.attributes;
        attributes.type = type;
        return NewSecret{new_secret(caller, attributes), Payload{std::move(bytes), request.content_type}};
    }

    Result<void> write_order(const model::Order& order, const std::vector<NewSecret>& secrets,
                             const std::optional<model::Container>& container) {
        return database->write([this, &order, &secrets, &container](db::Session& session) -> Result<void> {
            TRY(db::ensure_project(session, order.project, order.created));
            for (const NewSecret& secret : secrets) TRY(write_secret(session, secret));
            if (container) TRY(db::insert_container(session, *container));
            return db::insert_order(session, order);
        });
    }

    Result<void> order_key(const Caller& caller, const OrderRequest& request, model::Order& order) {
        std::vector<NewSecret> secrets;
        auto spec = symmetric_key_spec(request.attributes);
        if (auto* failure = std::get_if<OrderFailure>(&spec)) {
            fail(order, std::move(*failure));
        } else {
            SecureBytes key = TRY(store->generate(std::get<SymmetricKeySpec>(spec).bytes));
            secrets.push_back(made(caller, request, model::SecretType::Symmetric, std::move(key)));
            order.secret = secrets.back().secret.id;
            finish(order);
        }
        return write_order(order, secrets, std::nullopt);
    }

    Result<void> order_key_pair(const Caller& caller, OrderRequest& request, model::Order& order) {
        std::vector<NewSecret> secrets;
        std::optional<model::Container> container;
        auto spec = key_pair_spec(request.attributes);
        if (auto* failure = std::get_if<OrderFailure>(&spec)) {
            fail(order, std::move(*failure));
            return write_order(order, secrets, container);
        }
        const auto [algorithm, bits] = std::get<KeyPairSpec>(spec);
        crypto::KeyPair pair = TRY(crypto::generate_key_pair(algorithm, bits, request.passphrase));
        container = model::Container{ContainerId(random_uuid()),
                                     request.attributes.name,
                                     algorithm == crypto::KeyPairAlgorithm::Rsa ? "rsa" : "dsa",
                                     caller.project,
                                     caller.user,
                                     Status::Active,
                                     order.created,
                                     order.created,
                                     {}};
        const auto add = [this, &caller, &request, &secrets, &container](std::string_view part, model::SecretType type,
                                                                         SecureBytes bytes) {
            secrets.push_back(made(caller, request, type, std::move(bytes)));
            container->secrets.push_back({std::string(part), secrets.back().secret.id});
        };
        add("private_key", model::SecretType::Private, std::move(pair.private_key));
        add("public_key", model::SecretType::Public, std::move(pair.public_key));
        if (request.passphrase) add(PassphrasePart, model::SecretType::Passphrase, std::move(*request.passphrase));
        order.container = container->id;
        finish(order);
        return write_order(order, secrets, container);
    }

    Result<void> order_certificate(const OrderRequest& request, model::Order& order) {
        if (request.names_authority) {
            fail(order, internal_order_failure());
        } else {
            order.status = Status::Pending;
            order.sub_status = "cert_request_pending";
            order.sub_status_message = "Request has been submitted to the CA.  Waiting for certificate to be generated";
        }
        return write_order(order, {}, std::nullopt);
    }

    /// The passphrase that came with an order lives as a secret of its own; the order shows it to whoever may read
    /// that.
    Result<std::optional<SecureBytes>> passphrase_of(db::Session& session, const Caller& caller,
                                                     const model::Order& order) {
        using Found = std::optional<SecureBytes>;
        if (!order.container) return Found();
        const auto container = db::find_container(session, *order.container);
        if (!container) return container.error().code == Code::NotFound ? Result<Found>(Found()) : container.error();
        const auto part = std::ranges::find(container->secrets, PassphrasePart, &model::ContainerSecret::name);
        if (part == container->secrets.end()) return Found();
        const auto found = db::find_secret_with_payload(session, part->secret, clock.now());
        if (!found) return found.error().code == Code::NotFound ? Result<Found>(Found()) : found.error();
        if (!ask(caller, "secret:decrypt", target_of(found->secret, caller, "secret:decrypt"))) return Found();
        Payload payload = TRY(open_payload(*found));
        return Found(std::move(payload.bytes));
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
    auto impl =
        std::unique_ptr<Impl>(new Impl{std::move(database), std::move(store), std::move(policy), clock, limits});
    return std::unique_ptr<KeyManager>(new KeyManager(std::move(impl)));
}

const AccessPolicy& KeyManager::policy() const { return impl_->policy; }
Timestamp KeyManager::now() const { return impl_->clock.now(); }

Result<void> KeyManager::check(const Caller& caller, std::string_view action) const {
    return impl_->ask(caller, action, {});
}

Result<Secret> KeyManager::check(const Caller& caller, std::string_view action, const SecretId& id) {
    return impl_->permitted(caller, action, id);
}

Result<SecretId> KeyManager::store(const Caller& caller, const model::SecretAttributes& attributes,
                                   std::optional<Payload> payload) {
    TRY(impl_->ask(caller, "secrets:post", {}));
    TRY(impl_->within_limit(payload));
    const NewSecret entry{impl_->new_secret(caller, attributes), std::move(payload)};
    TRY(impl_->database->write([this, &entry](db::Session& session) { return impl_->write_secret(session, entry); }));
    return entry.secret.id;
}

Result<void> KeyManager::add_payload(const Caller& caller, const SecretId& id, Payload payload) {
    const std::optional<Payload> entry(std::move(payload));
    return impl_->database->write([this, &caller, &id, &entry](db::Session& session) -> Result<void> {
        const Secret secret = TRY(impl_->permitted(session, caller, "secret:put", id));
        TRY(impl_->within_limit(entry));
        if (secret.content_type) return has_payload();
        return impl_->write_payload(session, secret, *entry);
    });
}

Result<Secret> KeyManager::describe(const Caller& caller, const SecretId& id) {
    return impl_->permitted(caller, "secret:get", id);
}

Result<model::PageOf<Secret>> KeyManager::list(const Caller& caller, const model::SecretFilter& filter,
                                               const model::Page& page) {
    TRY(impl_->ask(caller, "secrets:get", {}));
    return impl_->database->read([this, &caller, &filter, &page](db::Session& session) {
        return db::list_secrets(session, caller.project, filter, page, impl_->clock.now());
    });
}

Result<Payload> KeyManager::fetch(const Caller& caller, const SecretId& id) {
    const auto found = TRY(impl_->find_with_payload(id));
    TRY(impl_->ask(caller, "secret:decrypt", target_of(found->secret, caller, "secret:decrypt")));
    return impl_->open_payload(*found);
}

Result<void> KeyManager::remove(const Caller& caller, const SecretId& id) {
    return impl_->database->write([this, &caller, &id](db::Session& session) -> Result<void> {
        TRY(impl_->permitted(session, caller, "secret:delete", id));
        return db::delete_secret(session, id, impl_->clock.now());
    });
}

Result<std::optional<model::SecretAcl>> KeyManager::acl(const Caller& caller, const SecretId& id) {
    return TRY(impl_->permitted(caller, "secret_acls:get", id))
    .acl;
}

Result<void> KeyManager::set_acl(const Caller& caller, const SecretId& id, const std::optional<model::SecretAcl>& acl) {
    return impl_->database->write([this, &caller, &id, &acl](db::Session& session) -> Result<void> {
        TRY(impl_->permitted(session, caller, "secret_acls:put_patch", id));
        if (!acl) return db::remove_secret_acl(session, id);
        return db::put_secret_acl(session, id, *acl, impl_->clock.now());
    });
}

Result<void> KeyManager::change_acl(const Caller& caller, const SecretId& id, const model::SecretAclChange& change) {
    return impl_->database->write([this, &caller, &id, &change](db::Session& session) -> Result<void> {
        const Secret secret = TRY(impl_->permitted(session, caller, "secret_acls:put_patch", id));
        model::SecretAcl acl = secret.acl.value_or(model::SecretAcl());
        if (change.project_access) acl.project_access = *change.project_access;
        if (change.users) acl.users = *change.users;
        return db::put_secret_acl(session, id, acl, impl_->clock.now());
    });
}

Result<void> KeyManager::remove_acl(const Caller& caller, const SecretId& id) {
    return impl_->database->write([this, &caller, &id](db::Session& session) -> Result<void> {
        TRY(impl_->permitted(session, caller, "secret_acls:delete", id));
        return db::remove_secret_acl(session, id);
    });
}

Result<OrderId> KeyManager::order(const Caller& caller, OrderRequest request) {
    TRY(impl_->ask(caller, "orders:post", {}));
    model::Order order = impl_->new_order(caller, request);
    switch (request.type) {
        case model::OrderType::Key: TRY(impl_->order_key(caller, request, order)); break;
        case model::OrderType::Asymmetric: TRY(impl_->order_key_pair(caller, request, order)); break;
        case model::OrderType::Certificate: TRY(impl_->order_certificate(request, order)); break;
    }
    return order.id;
}

Result<OrderView> KeyManager::describe_order(const Caller& caller, const OrderId& id) {
    return impl_->database->read([this, &caller, &id](db::Session& session) -> Result<OrderView> {
        OrderView view {
            TRY(db::find_order(session, caller.project, id))
            , {}
        };
        TRY(impl_->ask(caller, "order:get", target_of(view.order)));
        view.passphrase = TRY(impl_->passphrase_of(session, caller, view.order));
        return view;
    });
}

Result<model::PageOf<OrderView>> KeyManager::list_orders(const Caller& caller, const std::optional<std::string>& meta,
                                                         const model::Page& page) {
    TRY(impl_->ask(caller, "orders:get", {}));
    return impl_->database->read(
        [this, &caller, &meta, &page](db::Session& session) -> Result<model::PageOf<OrderView>> {
            auto orders = TRY(db::list_orders(session, caller.project, meta, page));
            model::PageOf<OrderView> views{{}, orders.total};
            for (model::Order& order : orders.items) {
                auto passphrase = TRY(impl_->passphrase_of(session, caller, order));
                views.items.push_back({std::move(order), std::move(passphrase)});
            }
            return views;
        });
}

Result<void> KeyManager::remove_order(const Caller& caller, const OrderId& id) {
    return impl_->database->write([this, &caller, &id](db::Session& session) -> Result<void> {
        const model::Order order = TRY(db::find_order(session, caller.project, id));
        TRY(impl_->ask(caller, "order:delete", target_of(order)));
        return db::delete_order(session, caller.project, id, impl_->clock.now());
    });
}

Result<model::Container> KeyManager::describe_container(const Caller& caller, const ContainerId& id) {
    model::Container container =
        TRY(impl_->database->read([&id](db::Session& session) { return db::find_container(session, id); }));
    TRY(impl_->ask(caller, "container:get", target_of(container)));
    return container;
}

}  // namespace sallyport::core
