#include "keymanager/core/access_lists.h"

#include "keymanager/core/context.h"
#include "keymanager/db/acl_repository.h"

namespace sallyport::core {
namespace {

struct Actions {
    std::string_view get;
    std::string_view change;
    std::string_view remove;
};
constexpr Actions OfSecrets{"secret_acls:get", "secret_acls:put_patch", "secret_acls:delete"};
constexpr Actions OfContainers{"container_acls:get", "container_acls:put_patch", "container_acls:delete"};
constexpr const Actions& actions_on(const SecretId&) { return OfSecrets; }
constexpr const Actions& actions_on(const ContainerId&) { return OfContainers; }

template <class AnyId>
Result<std::optional<model::AccessList>> find_list(const Context& context, const Caller& caller, const AnyId& id) {
    return context.database->read(
        [&context, &caller, &id](db::Session& session) -> Result<std::optional<model::AccessList>> {
            const auto object = TRY(context.permitted(session, caller, actions_on(id).get, id));
            return object.acl;
        });
}

template <class AnyId>
Result<void> set_list(const Context& context, const Caller& caller, const AnyId& id,
                      const std::optional<model::AccessList>& acl) {
    return context.database->write([&context, &caller, &id, &acl](db::Session& session) -> Result<void> {
        TRY(context.permitted(session, caller, actions_on(id).change, id));
        if (!acl) return db::remove_acl(session, id);
        return db::put_acl(session, id, *acl, context.clock.now());
    });
}

template <class AnyId>
Result<void> change_list(const Context& context, const Caller& caller, const AnyId& id,
                         const model::AccessListChange& change) {
    return context.database->write([&context, &caller, &id, &change](db::Session& session) -> Result<void> {
        const auto object = TRY(context.permitted(session, caller, actions_on(id).change, id));
        model::AccessList acl = object.acl.value_or(model::AccessList());
        if (change.project_access) acl.project_access = *change.project_access;
        if (change.users) acl.users = *change.users;
        return db::put_acl(session, id, acl, context.clock.now());
    });
}

template <class AnyId>
Result<void> remove_list(const Context& context, const Caller& caller, const AnyId& id) {
    return context.database->write([&context, &caller, &id](db::Session& session) -> Result<void> {
        TRY(context.permitted(session, caller, actions_on(id).remove, id));
        return db::remove_acl(session, id);
    });
}

}  // namespace

using List = std::optional<model::AccessList>;
using Change = model::AccessListChange;

Result<List> AccessLists::find(const Caller& caller, const SecretId& id) const {
    return find_list(context_, caller, id);
}
Result<List> AccessLists::find(const Caller& caller, const ContainerId& id) const {
    return find_list(context_, caller, id);
}
Result<void> AccessLists::set(const Caller& caller, const SecretId& id, const List& acl) const {
    return set_list(context_, caller, id, acl);
}
Result<void> AccessLists::set(const Caller& caller, const ContainerId& id, const List& acl) const {
    return set_list(context_, caller, id, acl);
}
Result<void> AccessLists::change(const Caller& caller, const SecretId& id, const Change& change) const {
    return change_list(context_, caller, id, change);
}
Result<void> AccessLists::change(const Caller& caller, const ContainerId& id, const Change& change) const {
    return change_list(context_, caller, id, change);
}
Result<void> AccessLists::remove(const Caller& caller, const SecretId& id) const {
    return remove_list(context_, caller, id);
}
Result<void> AccessLists::remove(const Caller& caller, const ContainerId& id) const {
    return remove_list(context_, caller, id);
}

}  // namespace sallyport::core
