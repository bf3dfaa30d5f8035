#pragma once

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/life_cycle.h"
#include "keymanager/model/secret.h"

namespace sallyport::core {

struct Context;

/// One step of a removal.
struct ProjectRemoval {
    model::ProjectHoldings removed;  ///< by this step
    bool done = false;               ///< nothing of the project is left
};

/// One step of a sweep.
struct Swept {
    long secrets = 0;  ///< that had expired
    long orders = 0;   ///< that had ended
    bool more = false;
};

/// What ends and what comes back: undeleting a secret, removing what a project has, sweeping out what is over.
///
/// Deleting is soft: ciphertext stays until `db clean`, and can come back until then. Whatever there may be much of is
/// done in steps, a transaction each, so that nobody waits long behind one; a removal that was interrupted is taken up
/// by the next.
class LifeCycle {
public:
    explicit LifeCycle(const Context& context) : context_(context) {}

    /// Asks "secret:undelete". Error: `NotFound` if its row is gone (`db clean`); `Conflict` if it is not deleted, has
    /// expired, was deleted before the window, has no payload, or its project or key was removed.
    Result<model::Secret> undelete(const Caller& caller, const SecretId& id) const;

    /// What remove_project() would remove; asks the same. Error: `NotFound` if there is nothing.
    Result<model::ProjectHoldings> holdings(const Caller& caller, const ProjectId& project) const;
    /// One step: of the containers, orders and secrets at most Step, whoever is registered to use them; the last one
    /// takes the project's keys, quotas and row. Asks "project:remove", which is about any project.
    Result<ProjectRemoval> remove_project(const Caller& caller, const ProjectId& project) const;

    /// One step, at most Step of a kind, by the rules of this node; nobody calls for it. Any number of agents may.
    Result<Swept> sweep() const;

    static constexpr int Step = 200;

private:
    const Context& context_;
};

}  // namespace sallyport::core
