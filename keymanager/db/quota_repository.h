#pragma once

#include <optional>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/session.h"
#include "keymanager/model/quota.h"
#include "keymanager/model/secret.h"

/// What projects may have (project_quotas); see repository.h for what holds for all of them.
namespace sallyport::db {

/// What was set for a project, if anything was.
Result<std::optional<model::Quotas>> find_quotas(Session& session, const ProjectId& project);
/// Sets those that `quotas` names; the others stay.
Result<void> put_quotas(Session& session, const ProjectId& project, const model::Quotas& quotas, Timestamp now);
/// Error: `NotFound` if none were set.
Result<void> remove_quotas(Session& session, const ProjectId& project);
/// Oldest first.
Result<model::PageOf<model::ProjectQuotas>> list_quotas(Session& session, const model::Page& page);

/// Lets no other transaction that calls it for this project go on before this one ends, so that what is counted now
/// still holds when it is added to. Makes the project's row.
Result<void> lock_project(Session& session, const ProjectId& project, Timestamp now);

}  // namespace sallyport::db
