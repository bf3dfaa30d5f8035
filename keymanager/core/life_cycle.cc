#include "keymanager/core/life_cycle.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "keymanager/base/log.h"
#include "keymanager/core/context.h"
#include "keymanager/db/container_repository.h"
#include "keymanager/db/life_cycle_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

constexpr std::string_view Undelete = "secret:undelete";
constexpr std::string_view RemoveProject = "project:remove";

Error cannot_undelete(const SecretId& id, const std::string& why) {
    return {Code::Conflict, fmt::format("secret {} cannot be undeleted: {}", id.str(), why), {}};
}

Result<void> may_come_back(const Context& context, const db::SecretRemains& remains) {
    const SecretId& id = remains.secret.id;
    const Timestamp now = context.clock.now();
    const std::chrono::days window = context.limits.life_cycle.undelete_window;
    const auto& expiration = remains.secret.attributes.expiration;
    if (!remains.deleted) return cannot_undelete(id, "it is not deleted");
    if (window.count() == 0) return cannot_undelete(id, "life_cycle.undelete_days is 0, so nothing comes back");
    if (remains.key_is_gone) return cannot_undelete(id, "its project was removed, and the project's keys with it");
    if (!remains.has_payload) return cannot_undelete(id, "it has no payload (any more: `db clean` removes them)");
    if (*remains.deleted + window < now) {
        return cannot_undelete(id, fmt::format("it was deleted at {}, more than {} days ago (life_cycle.undelete_days)",
                                               to_iso8601(*remains.deleted), window.count()));
    }
    if (expiration && *expiration <= now) {
        return cannot_undelete(id, fmt::format("it expired at {}", to_iso8601(*expiration)));
    }
    return {};
}

Result<void> ask_about(const Context& context, const Caller& caller, const ProjectId& project) {
    Target target;
    target.set("target.project_id", project.str());
    return context.ask(caller, RemoveProject, target);
}

/// One that another session was quicker with is as good as done, but not counted.
Result<void> count_if_gone(const Result<void>& deleted, long& count) {
    if (deleted) ++count;
    if (deleted || deleted.error().code == Code::NotFound) return {};
    return deleted.error();
}

}  // namespace

Result<model::Secret> LifeCycle::undelete(const Caller& caller, const SecretId& id) const {
    const model::Secret secret =
        TRY(context_.database->write([this, &caller, &id](db::Session& session) -> Result<model::Secret> {
            db::SecretRemains remains = TRY(db::find_remains(session, id));
            TRY(context_.ask(caller, Undelete, target_of(remains.secret, caller, Undelete)));
            TRY(may_come_back(context_, remains));
            TRY(db::undelete_secret(session, id, *remains.deleted, context_.clock.now()));
            return std::move(remains.secret);
        }));
    log_info("secret {} of project {} undeleted by user {}", id.str(), secret.project.str(), caller.user.str());
    return secret;
}

Result<model::ProjectHoldings> LifeCycle::holdings(const Caller& caller, const ProjectId& project) const {
    TRY(ask_about(context_, caller, project));
    return context_.database->read([&project](db::Session& session) { return db::count_holdings(session, project); });
}

Result<ProjectRemoval> LifeCycle::remove_project(const Caller& caller, const ProjectId& project) const {
    TRY(ask_about(context_, caller, project));
    const ProjectRemoval removal =
        TRY(context_.database->write([this, &project](db::Session& session) -> Result<ProjectRemoval> {
            const Timestamp now = context_.clock.now();
            ProjectRemoval step;
            int left = Step;
            const auto containers = TRY(db::containers_of(session, project, left));
            for (const ContainerId& id : containers) {
                TRY(count_if_gone(db::delete_container(session, id, now), step.removed.containers));
            }
            left -= static_cast<int>(containers.size());
            const auto orders = TRY(db::orders_of(session, project, left));
            for (const OrderId& id : orders) {
                TRY(count_if_gone(db::delete_order(session, project, id, now), step.removed.orders));
            }
            left -= static_cast<int>(orders.size());
            const auto secrets = TRY(db::secrets_of(session, project, left));
            for (const SecretId& id : secrets) {
                TRY(count_if_gone(db::delete_expired_secret(session, id, now), step.removed.secrets));
            }
            left -= static_cast<int>(secrets.size());
            // With room to spare, all of them were seen.
            if (left == 0) return step;
            step.removed.keks = TRY(db::delete_project(session, project, now));
            step.done = true;
            return step;
        }));
    if (removal.done) log_info("project {} removed by user {}", project.str(), caller.user.str());
    return removal;
}

Result<Swept> LifeCycle::sweep() const {
    const LifeCycleRules& rules = context_.limits.life_cycle;
    const Timestamp now = context_.clock.now();
    // Looked for outside of the transaction: no writer waits while a large table is read.
    std::vector<SecretId> secrets;
    std::vector<model::OrderOfProject> orders;
    if (rules.sweep_expired) {
        secrets = TRY(
            context_.database->read([now](db::Session& session) { return db::expired_secrets(session, now, Step); }));
    }
    if (rules.finished_orders.count() > 0) {
        const Timestamp before = now - rules.finished_orders;
        orders = TRY(context_.database->read(
            [before](db::Session& session) { return db::finished_orders(session, before, Step); }));
    }
    if (secrets.empty() && orders.empty()) return Swept{};
    return context_.database->write([&secrets, &orders, now](db::Session& session) -> Result<Swept> {
        Swept swept;
        for (const SecretId& id : secrets) {
            TRY(count_if_gone(db::delete_expired_secret(session, id, now), swept.secrets));
        }
        for (const model::OrderOfProject& one : orders) {
            TRY(count_if_gone(db::delete_order(session, one.project, one.order, now), swept.orders));
        }
        const bool full = secrets.size() == Step || orders.size() == Step;
        swept.more = full && swept.secrets + swept.orders > 0;
        return swept;
    });
}

}  // namespace sallyport::core
