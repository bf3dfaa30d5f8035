#include "keymanager/core/quotas.h"

#include <optional>
#include <string>

#include "keymanager/base/assert.h"
#include "keymanager/core/context.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/quota_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

constexpr int Unlimited = -1;

std::optional<int> model::Quotas::*quota_of(Counted what) {
    switch (what) {
        case Counted::Secrets: return &model::Quotas::secrets;
        case Counted::Orders: return &model::Quotas::orders;
        case Counted::Containers: return &model::Quotas::containers;
        case Counted::SecretConsumers:
        case Counted::ContainerConsumers: return &model::Quotas::consumers;
    }
    SALLYPORT_ASSERT(false);  // an enumerator that the switch above does not know cannot have been made
}

Result<long> count(db::Session& session, const ProjectId& project, Counted what, Timestamp now) {
    switch (what) {
        case Counted::Secrets: return db::count_secrets(session, project, now);
        case Counted::Orders: return db::count_orders(session, project);
        case Counted::Containers: return db::count_containers(session, project);
        case Counted::SecretConsumers: return db::count_secret_consumers(session, project);
        case Counted::ContainerConsumers: return db::count_container_consumers(session, project);
    }
    SALLYPORT_ASSERT(false);  // as above
}

Result<model::Quotas> effective_quotas(const Context& context, db::Session& session, const ProjectId& project) {
    const auto set = TRY(db::find_quotas(session, project));
    return model::merged(set.value_or(model::Quotas()), context.limits.quotas);
}

}  // namespace

Result<model::Quotas> Quotas::effective(const Caller& caller) const {
    TRY(context_.ask(caller, "quotas:get"));
    const model::Quotas known = TRY(context_.database->read(
        [this, &caller](db::Session& session) { return effective_quotas(context_, session, caller.project); }));
    return model::merged(known, {Unlimited, Unlimited, Unlimited, Unlimited, Unlimited});
}

Result<model::Quotas> Quotas::find(const Caller& caller, const ProjectId& project) const {
    TRY(context_.ask(caller, "project_quotas:get"));
    const auto found =
        TRY(context_.database->read([&project](db::Session& session) { return db::find_quotas(session, project); }));
    if (!found) return Error{Code::NotFound, "Project quotas not found.", project.str()};
    return *found;
}

Result<model::PageOf<model::ProjectQuotas>> Quotas::list(const Caller& caller, const model::Page& page) const {
    TRY(context_.ask(caller, "project_quotas:get"));
    return context_.database->read([&page](db::Session& session) { return db::list_quotas(session, page); });
}

Result<void> Quotas::set(const Caller& caller, const ProjectId& project, const model::Quotas& quotas) const {
    TRY(context_.ask(caller, "project_quotas:put"));
    return context_.database->write([this, &project, &quotas](db::Session& session) {
        return db::put_quotas(session, project, quotas, context_.clock.now());
    });
}

Result<void> Quotas::remove(const Caller& caller, const ProjectId& project) const {
    TRY(context_.ask(caller, "project_quotas:delete"));
    return context_.database->write([&project](db::Session& session) { return db::remove_quotas(session, project); });
}

Result<void> within_quota(const Context& context, db::Session& session, const ProjectId& project, Counted what) {
    const model::Quotas quotas = TRY(effective_quotas(context, session, project));
    const int quota = (quotas.*quota_of(what)).value_or(Unlimited);
    if (quota < 0) return {};
    if (quota > 0) {
        TRY(db::lock_project(session, project, context.clock.now()));
        if (TRY(count(session, project, what, context.clock.now())) < quota) return {};
    }
    return Error{Code::OverQuota, "Creation not allowed because a quota has been reached",
                 "project " + project.str() + " may have " + std::to_string(quota)};
}

}  // namespace sallyport::core
