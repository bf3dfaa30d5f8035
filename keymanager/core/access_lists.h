#pragma once

#include <optional>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/access_list.h"

namespace sallyport::core {

struct Context;

/// Who may read a secret or a container beside, or instead of, its project.
class AccessLists {
public:
    explicit AccessLists(const Context& context) : context_(context) {}

    Result<std::optional<model::AccessList>> find(const Caller& caller, const SecretId& id) const;
    Result<std::optional<model::AccessList>> find(const Caller& caller, const ContainerId& id) const;
    /// Replaces the list; without one removes it.
    Result<void> set(const Caller& caller, const SecretId& id, const std::optional<model::AccessList>& acl) const;
    Result<void> set(const Caller& caller, const ContainerId& id, const std::optional<model::AccessList>& acl) const;
    /// Changes what `change` names of the list; makes one if there is none.
    Result<void> change(const Caller& caller, const SecretId& id, const model::AccessListChange& change) const;
    Result<void> change(const Caller& caller, const ContainerId& id, const model::AccessListChange& change) const;
    /// Removing none is no error.
    Result<void> remove(const Caller& caller, const SecretId& id) const;
    Result<void> remove(const Caller& caller, const ContainerId& id) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
