#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/deletion.h"
#include "keymanager/model/container.h"

namespace sallyport::core {

struct Context;

/// What a caller says about a container when it makes one. Its door has checked which secrets a type takes.
struct NewContainer {
    std::optional<std::string> name;
    std::string type;
    std::vector<model::ContainerSecret> secrets;
};

/// Containers: secrets of one project that belong together.
class Containers {
public:
    explicit Containers(const Context& context) : context_(context) {}

    /// Error: `NotFound` for a secret that the caller's project does not have; `OverQuota`.
    Result<ContainerId> create(const Caller& caller, const NewContainer& container) const;
    Result<model::Container> describe(const Caller& caller, const ContainerId& id) const;
    Result<model::PageOf<model::Container>> list(const Caller& caller, const model::ContainerFilter& filter,
                                                 const model::Page& page) const;
    /// Its secrets stay. Error: `Conflict` if it has consumers and they are to be heeded.
    Result<Deletion> remove(const Caller& caller, const ContainerId& id) const;

    /// Error: `InvalidInput` unless the container is generic; `NotFound` as for create(); `Conflict` if that secret is
    /// in it under that name.
    Result<void> add_secret(const Caller& caller, const ContainerId& id, const model::ContainerSecret& member) const;
    /// `ref` is how the caller named the secret, for the refusal. Error: `NotFound` for a secret that the caller's
    /// project does not have, and for one that is not in the container under that name.
    Result<void> remove_secret(const Caller& caller, const ContainerId& id, const model::ContainerSecret& member,
                               const std::string& ref) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
