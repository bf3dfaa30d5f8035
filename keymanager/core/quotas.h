#pragma once

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/quota.h"
#include "keymanager/model/secret.h"

namespace sallyport::db {
class Session;
}

namespace sallyport::core {

struct Context;

/// How much projects may have: looked at by their members, set by the service's administrators.
class Quotas {
public:
    explicit Quotas(const Context& context) : context_(context) {}

    /// What holds for the caller's own project, every number of it.
    Result<model::Quotas> effective(const Caller& caller) const;
    /// What was set for a project. Error: `NotFound` if nothing was.
    Result<model::Quotas> find(const Caller& caller, const ProjectId& project) const;
    Result<model::PageOf<model::ProjectQuotas>> list(const Caller& caller, const model::Page& page) const;
    /// Sets those that `quotas` names; the others stay.
    Result<void> set(const Caller& caller, const ProjectId& project, const model::Quotas& quotas) const;
    /// Error: `NotFound` if none were set.
    Result<void> remove(const Caller& caller, const ProjectId& project) const;

private:
    const Context& context_;
};

/// What is counted. Consumers of both kinds have one quota, but are counted apart, as in Barbican.
enum class Counted { Secrets, Orders, Containers, SecretConsumers, ContainerConsumers };
/// May the project have one more? Inside the transaction that adds it; another that asks waits for its end.
/// Error: `OverQuota`.
Result<void> within_quota(const Context& context, db::Session& session, const ProjectId& project, Counted what);

}  // namespace sallyport::core
