#pragma once

#include <string>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/session.h"
#include "keymanager/model/user_metadata.h"

/// What users note about a secret (secret_user_metadata); see repository.h for what holds for all of them.
namespace sallyport::db {

Result<model::UserMetadata> find_user_metadata(Session& session, const SecretId& id);
/// In place of all that is there.
Result<void> replace_user_metadata(Session& session, const SecretId& id, const model::UserMetadata& metadata,
                                   Timestamp now);
/// One key: made, or given another value.
Result<void> put_user_metadatum(Session& session, const SecretId& id, const std::string& key, const std::string& value,
                                Timestamp now);
/// Removing none is no error.
Result<void> remove_user_metadatum(Session& session, const SecretId& id, const std::string& key);

}  // namespace sallyport::db
