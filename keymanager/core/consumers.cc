#include "keymanager/core/consumers.h"

#include <span>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/core/context.h"
#include "keymanager/core/quotas.h"
#include "keymanager/crypto/digest.h"
#include "keymanager/db/consumer_repository.h"

namespace sallyport::core {
namespace {

/// What differs between the consumers of secrets and of containers.
struct OfSecrets {
    using Id = SecretId;
    using Object = model::Secret;
    using Consumer = model::SecretConsumer;
    static constexpr std::string_view Get = "secret_consumers:get";
    static constexpr std::string_view Post = "secret_consumers:post";
    static constexpr std::string_view Delete = "secret_consumers:delete";
    static constexpr Counted Quota = Counted::SecretConsumers;

    static Result<void> put(db::Session& session, const Id& id, const Consumer& consumer, Timestamp now) {
        return db::put_consumer(session, id, consumer, now);
    }
    static Result<Consumer> find(db::Session& session, const Id& id, const Consumer& consumer) {
        return db::find_consumer(session, id, consumer);
    }
    static Result<void> drop(db::Session& session, const Id& id, const Consumer& consumer, Timestamp now) {
        return db::delete_consumer(session, id, consumer, now);
    }
};

struct OfContainers {
    using Id = ContainerId;
    using Object = model::Container;
    using Consumer = model::ContainerConsumer;
    static constexpr std::string_view Get = "container_consumers:get";
    static constexpr std::string_view Post = "container_consumers:post";
    static constexpr std::string_view Delete = "container_consumers:delete";
    static constexpr Counted Quota = Counted::ContainerConsumers;

    /// Barbican's own key of the row, since name and URL are too long for an index.
    static Result<std::string> hash_of(const Id& id, const Consumer& consumer) {
        const auto digest = TRY(crypto::sha256(bytes_of(id.str() + consumer.name + consumer.url)));
        return to_hex(digest);
    }
    static Result<void> put(db::Session& session, const Id& id, const Consumer& consumer, Timestamp now) {
        const std::string hash = TRY(hash_of(id, consumer));
        return db::put_consumer(session, id, consumer, hash, now);
    }
    static Result<Consumer> find(db::Session& session, const Id& id, const Consumer& consumer) {
        const std::string hash = TRY(hash_of(id, consumer));
        return db::find_consumer(session, id, hash);
    }
    static Result<void> drop(db::Session& session, const Id& id, const Consumer& consumer, Timestamp now) {
        const std::string hash = TRY(hash_of(id, consumer));
        return db::delete_consumer(session, id, hash, now);
    }
};

template <class Of>
Result<model::PageOf<typename Of::Consumer>> list_of(const Context& context, const Caller& caller,
                                                     const typename Of::Id& id, const model::Page& page) {
    return context.database->read(
        [&context, &caller, &id, &page](db::Session& session) -> Result<model::PageOf<typename Of::Consumer>> {
            TRY(context.permitted(session, caller, Of::Get, id));
            return db::list_consumers(session, id, page);
        });
}

template <class Of>
Result<typename Of::Consumer> describe_one(const Context& context, const Caller& caller, const typename Of::Id& id,
                                           const std::string& row) {
    return context.database->read(
        [&context, &caller, &id, &row](db::Session& session) -> Result<typename Of::Consumer> {
            // Barbican asks its rule consumer:get, which lets every role see the consumers of any project, and shows
            // those of other objects too. Here a consumer is shown with its object, or not at all.
            TRY(context.permitted(session, caller, "consumer:get", id));
            const auto consumer = TRY(db::find_consumer_row(session, id, row));
            TRY(context.permitted(session, caller, Of::Get, id));
            return consumer;
        });
}

template <class Of>
Result<typename Of::Object> with_consumers(const Context& context, db::Session& session, const Caller& caller,
                                           std::string_view action, const typename Of::Id& id) {
    typename Of::Object object = TRY(context.permitted(session, caller, action, id));
    object.consumers.clear();
    TRY(db::load_consumers(session, std::span(&object, 1)));
    return object;
}

template <class Of>
Result<typename Of::Object> add_one(const Context& context, const Caller& caller, const typename Of::Id& id,
                                    const typename Of::Consumer& consumer) {
    const auto work = [&context, &caller, &id, &consumer](db::Session& session) -> Result<typename Of::Object> {
        TRY(context.permitted(session, caller, Of::Post, id));
        TRY(within_quota(context, session, caller.project, Of::Quota));
        TRY(Of::put(session, id, consumer, context.clock.now()));
        return with_consumers<Of>(context, session, caller, Of::Post, id);
    };
    auto added = context.database->write(work);
    // Somebody else has registered the same one meanwhile: now it is found.
    if (!added && added.error().code == Code::Conflict) return context.database->write(work);
    return added;
}

template <class Of>
Result<typename Of::Object> remove_one(const Context& context, const Caller& caller, const typename Of::Id& id,
                                       const typename Of::Consumer& consumer) {
    return context.database->write([&context, &caller, &id,
                                    &consumer](db::Session& session) -> Result<typename Of::Object> {
        const auto object = TRY(context.permitted(session, caller, Of::Delete, id));
        const auto known = TRY(Of::find(session, id, consumer));
        if (known.owner != caller.project && object.project != caller.project) {
            return Error{Code::Refused, "Not Allowed. Sorry, only the creator of a consumer can delete it.", id.str()};
        }
        TRY(Of::drop(session, id, consumer, context.clock.now()));
        return with_consumers<Of>(context, session, caller, Of::Delete, id);
    });
}

}  // namespace

Result<model::PageOf<model::SecretConsumer>> Consumers::list(const Caller& caller, const SecretId& id,
                                                             const model::Page& page) const {
    return list_of<OfSecrets>(context_, caller, id, page);
}
Result<model::PageOf<model::ContainerConsumer>> Consumers::list(const Caller& caller, const ContainerId& id,
                                                                const model::Page& page) const {
    return list_of<OfContainers>(context_, caller, id, page);
}

Result<model::SecretConsumer> Consumers::describe(const Caller& caller, const SecretId& id,
                                                  const std::string& row) const {
    return describe_one<OfSecrets>(context_, caller, id, row);
}
Result<model::ContainerConsumer> Consumers::describe(const Caller& caller, const ContainerId& id,
                                                     const std::string& row) const {
    return describe_one<OfContainers>(context_, caller, id, row);
}

Result<model::Secret> Consumers::add(const Caller& caller, const SecretId& id, model::SecretConsumer consumer) const {
    consumer.owner = caller.project;
    return add_one<OfSecrets>(context_, caller, id, consumer);
}
Result<model::Container> Consumers::add(const Caller& caller, const ContainerId& id,
                                        model::ContainerConsumer consumer) const {
    consumer.owner = caller.project;
    return add_one<OfContainers>(context_, caller, id, consumer);
}

Result<model::Secret> Consumers::remove(const Caller& caller, const SecretId& id,
                                        const model::SecretConsumer& consumer) const {
    return remove_one<OfSecrets>(context_, caller, id, consumer);
}
Result<model::Container> Consumers::remove(const Caller& caller, const ContainerId& id,
                                           const model::ContainerConsumer& consumer) const {
    return remove_one<OfContainers>(context_, caller, id, consumer);
}

Result<std::vector<SecretId>> Consumers::secrets_used_by(const Caller& caller, const std::string& resource_type,
                                                         const std::string& resource_id) const {
    return context_.database->read(
        [this, &caller, &resource_type, &resource_id](db::Session& session) -> Result<std::vector<SecretId>> {
            std::vector<SecretId> secrets = TRY(db::secrets_used_by(session, resource_type, resource_id));
            std::vector<SecretId> permitted;
            for (SecretId& id : secrets) {
                const auto secret = context_.permitted(session, caller, OfSecrets::Get, id);
                if (secret) {
                    permitted.push_back(std::move(id));
                } else if (secret.error().code != Code::Forbidden && secret.error().code != Code::NotFound) {
                    return secret.error();
                }
            }
            return permitted;
        });
}

}  // namespace sallyport::core
