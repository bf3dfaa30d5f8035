#include "keymanager/core/containers.h"

#include <fmt/format.h>

#include "keymanager/base/uuid.h"
#include "keymanager/core/context.h"
#include "keymanager/core/quotas.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

/// A name as Barbican's refusals show it.
std::string shown(const std::optional<std::string>& name) { return name.value_or("None"); }

/// Error: `NotFound` with `message` unless the caller's project has the secret.
Result<void> require_secret(const Context& context, db::Session& session, const Caller& caller, const SecretId& id,
                            const std::string& message) {
    const auto secret = db::find_secret(session, id, context.clock.now());
    if (!secret && secret.error().code != Code::NotFound) return secret.error();
    if (secret && secret->project == caller.project) return {};
    return Error{Code::NotFound, message, id.str()};
}

}  // namespace

Result<ContainerId> Containers::create(const Caller& caller, const NewContainer& wanted) const {
    TRY(context_.ask(caller, "containers:post"));
    model::Container container;
    container.id = ContainerId(random_uuid());
    container.name = wanted.name;
    container.type = wanted.type;
    container.secrets = wanted.secrets;
    container.project = caller.project;
    container.creator = caller.user;
    container.created = container.updated = context_.clock.now();
    TRY(context_.database->write([this, &caller, &container](db::Session& session) -> Result<void> {
        TRY(within_quota(context_, session, caller.project, Counted::Containers));
        for (const model::ContainerSecret& member : container.secrets) {
            TRY(require_secret(context_, session, caller, member.secret,
                               fmt::format("Secret provided for '{}' doesn't exist.", shown(member.name))));
        }
        return db::insert_container(session, container);
    }));
    return container.id;
}

Result<model::Container> Containers::describe(const Caller& caller, const ContainerId& id) const {
    return context_.database->read([this, &caller, &id](db::Session& session) {
        return context_.permitted(session, caller, "container:get", id);
    });
}

Result<model::PageOf<model::Container>> Containers::list(const Caller& caller, const model::ContainerFilter& filter,
                                                         const model::Page& page) const {
    TRY(context_.ask(caller, "containers:get"));
    return context_.database->read([&caller, &filter, &page](db::Session& session) {
        return db::list_containers(session, caller.project, filter, page);
    });
}

Result<Deletion> Containers::remove(const Caller& caller, const ContainerId& id) const {
    return context_.database->write([this, &caller, &id](db::Session& session) -> Result<Deletion> {
        const model::Container container = TRY(context_.permitted(session, caller, "container:delete", id));
        const Deletion deletion = TRY(heed_consumers(context_, session, container));
        TRY(db::delete_container(session, id, context_.clock.now()));
        return deletion;
    });
}

Result<void> Containers::add_secret(const Caller& caller, const ContainerId& id,
                                    const model::ContainerSecret& member) const {
    const Result<void> added =
        context_.database->write([this, &caller, &id, &member](db::Session& session) -> Result<void> {
            const model::Container container = TRY(context_.permitted(session, caller, "container_secret:post", id));
            if (container.type != "generic") {
                return Error{Code::InvalidInput, "Only 'generic' containers can be modified.", container.type};
            }
            TRY(require_secret(context_, session, caller, member.secret, "Secret provided doesn't exist."));
            return db::insert_container_secret(session, id, member, context_.clock.now());
        });
    if (added || added.error().code != Code::Conflict) return added;
    return Error{Code::Conflict,
                 "Conflict. A secret with that name and ID is already stored in this container. The same secret can "
                 "exist in a container as long as the name is unique.",
                 id.str()};
}

Result<void> Containers::remove_secret(const Caller& caller, const ContainerId& id,
                                       const model::ContainerSecret& member, const std::string& ref) const {
    return context_.database->write([this, &caller, &id, &member, &ref](db::Session& session) -> Result<void> {
        TRY(context_.permitted(session, caller, "container_secret:delete", id));
        TRY(require_secret(context_, session, caller, member.secret,
                           fmt::format("Secret '{}' with reference '{}' doesn't exist.", shown(member.name), ref)));
        const auto removed = db::delete_container_secret(session, id, member, context_.clock.now());
        if (removed || removed.error().code != Code::NotFound) return removed;
        return Error{Code::NotFound, "Secret provided is not in the container", id.str()};
    });
}

}  // namespace sallyport::core
