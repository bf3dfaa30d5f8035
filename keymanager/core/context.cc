#include "keymanager/core/context.h"

#include <algorithm>
#include <optional>
#include <string>

#include "keymanager/db/container_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

/// How Barbican names the attributes of one kind of object.
struct AttributeNames {
    std::string_view project;
    std::string_view creator;
    std::string_view project_access;
    std::string_view read;
    std::string_view acl_actions;
};
constexpr AttributeNames OfSecret{"target.secret.project_id", "target.secret.creator_id",
                                  "target.secret.read_project_access", "target.secret.read", "secret_acls:"};
constexpr AttributeNames OfContainer{"target.container.project_id", "target.container.creator_id",
                                     "target.container.read_project_access", "target.container.read",
                                     "container_acls:"};

template <class Object>
Target target_of_object(const Object& object, const AttributeNames& names, const Caller& caller,
                        std::string_view action) {
    Target target;
    target.set(names.project, object.project.str());
    if (object.creator) target.set(names.creator, object.creator->str());
    // For actions on the access list the list itself is left out, so that whoever may change a shared object may also
    // change the list of a private one, as in Barbican.
    if (action.starts_with(names.acl_actions)) return target;
    const bool shared = !object.acl || object.acl->project_access;
    target.set(names.project_access, shared ? "True" : "False");
    if (object.acl && std::ranges::find(object.acl->users, caller.user) != object.acl->users.end()) {
        target.set(names.read, "read");
    }
    return target;
}

}  // namespace

Target target_of(const model::Secret& secret, const Caller& caller, std::string_view action) {
    return target_of_object(secret, OfSecret, caller, action);
}
Target target_of(const model::Container& container, const Caller& caller, std::string_view action) {
    return target_of_object(container, OfContainer, caller, action);
}

Result<void> Context::ask(const Caller& caller, std::string_view action, const Target& target) const {
    if (policy.allows(action, caller, target)) return {};
    return Error{Code::Forbidden, "not allowed",
                 "policy refuses " + std::string(action) + " to user " + caller.user.str()};
}

Result<model::Secret> Context::permitted(db::Session& session, const Caller& caller, std::string_view action,
                                         const SecretId& id) const {
    model::Secret secret = TRY(db::find_secret(session, id, clock.now()));
    TRY(ask(caller, action, target_of(secret, caller, action)));
    return secret;
}

Result<model::Container> Context::permitted(db::Session& session, const Caller& caller, std::string_view action,
                                            const ContainerId& id) const {
    model::Container container = TRY(db::find_container(session, id));
    TRY(ask(caller, action, target_of(container, caller, action)));
    return container;
}

}  // namespace sallyport::core
