#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/model/kek.h"

namespace sallyport::db {

class Session;

/// A row of kek_data with what it is for: the newest of a project wraps what is new, retired ones only open.
struct StoredKek {
    model::KekMeta kek;
    bool is_active = false;
};

/// Every KEK of a plug-in, deleted projects' and retired ones too, in the order of their ids: those after `after`, at
/// most `limit`. A KEK that is made meanwhile may come before `after`; whoever made it knew the newest master key.
Result<std::vector<StoredKek>> list_keks(Session& session, const std::string& plugin_name, const KekId& after,
                                         int limit);

/// The KEKs of all projects that are there, whichever plug-in made them, in the order of their ids: those after
/// `after`, at most `limit`.
Result<std::vector<model::KekMeta>> list_live_keks(Session& session, const KekId& after, int limit);

/// Puts another wrapping in the place of the one that the caller has seen. False if it is not there any more.
Result<bool> replace_wrapping(Session& session, const model::KekMeta& seen, const std::string& wrapping, Timestamp now);

/// From now on all KEKs of the project but this one only open what is there.
Result<void> retire_other_keks(Session& session, const model::KekMeta& kek, Timestamp now);

/// The projects with a KEK of the plug-in, by name: those after `after`, at most `limit`.
Result<std::vector<ProjectId>> projects_with_kek(Session& session, const std::string& plugin_name,
                                                 const ProjectId& after, int limit);

using PayloadId = Id<struct PayloadIdTag>;  ///< UUID of a row of encrypted_data

/// A payload under a retired KEK.
struct RetiredPayload {
    PayloadId id;
    SecretId secret;
    ProjectId project;
    model::WrappedSecret wrapped;
    model::KekMeta kek;
};

/// Those after `after`, at most `limit`, soft-deleted ones too.
Result<std::vector<RetiredPayload>> list_retired_payloads(Session& session, const std::string& plugin_name,
                                                          const PayloadId& after, int limit);

/// Puts `wrapped`, under `kek`, in the place of what the caller has seen. False if it is not there any more.
Result<bool> replace_payload(Session& session, const RetiredPayload& seen, const KekId& kek,
                             const model::WrappedSecret& wrapped, Timestamp now);

}  // namespace sallyport::db
