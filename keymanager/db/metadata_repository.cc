#include "keymanager/db/metadata_repository.h"

#include <utility>

#include "keymanager/base/uuid.h"

namespace sallyport::db {
namespace {

constexpr Query Find{"SELECT \"key\", value FROM secret_user_metadata WHERE secret_id = :id AND deleted = '0'", 2};
// Barbican never sets the status of these rows, so they stay at its default. Old values are removed, not marked: the
// table's key would not hold both.
constexpr std::string_view Pending = "PENDING";
constexpr Query Insert{
    "INSERT INTO secret_user_metadata (id, created_at, updated_at, deleted, status, \"key\", value, secret_id)"
    " VALUES (:id, :created, :updated, '0', :status, :key, :value, :secret)"};
constexpr Query RemoveOne{"DELETE FROM secret_user_metadata WHERE secret_id = :id AND \"key\" = :key"};
constexpr Query RemoveAll{"DELETE FROM secret_user_metadata WHERE secret_id = :id"};

}  // namespace

Result<model::UserMetadata> find_user_metadata(Session& session, const SecretId& id) {
    model::UserMetadata found;
    TRY(session.select(Find, {id}, [&found](Columns& row) -> Result<void> {
        std::string name = row.text();
        std::string value = row.text();
        TRY(row.finish());
        found[std::move(name)] = std::move(value);
        return {};
    }));
    return found;
}

Result<void> replace_user_metadata(Session& session, const SecretId& id, const model::UserMetadata& metadata,
                                   Timestamp now) {
    TRY(session.execute(RemoveAll, {id}));
    for (const auto& [key, value] : metadata) {
        TRY(session.execute(Insert, {random_uuid(), now, now, Pending, key, value, id}));
    }
    return {};
}

Result<void> put_user_metadatum(Session& session, const SecretId& id, const std::string& key, const std::string& value,
                                Timestamp now) {
    TRY(session.execute(RemoveOne, {id, key}));
    TRY(session.execute(Insert, {random_uuid(), now, now, Pending, key, value, id}));
    return {};
}

Result<void> remove_user_metadatum(Session& session, const SecretId& id, const std::string& key) {
    TRY(session.execute(RemoveOne, {id, key}));
    return {};
}

}  // namespace sallyport::db
