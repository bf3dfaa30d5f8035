#pragma once

#include <optional>
#include <string>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/session.h"
#include "keymanager/model/secret.h"
#include "keymanager/model/transport_key.h"

/// Barbican's table transport_keys; see repository.h for what holds for all of them.
namespace sallyport::db {

Result<void> insert_transport_key(Session& session, const model::TransportKey& key);
/// Error: `NotFound`.
Result<model::TransportKey> find_transport_key(Session& session, const TransportKeyId& id);
/// Oldest first; with `plugin_name` only those of that plug-in.
Result<model::PageOf<TransportKeyId>> list_transport_keys(Session& session,
                                                          const std::optional<std::string>& plugin_name,
                                                          const model::Page& page);
/// Soft. Error: `NotFound`.
Result<void> delete_transport_key(Session& session, const TransportKeyId& id, Timestamp now);

}  // namespace sallyport::db
