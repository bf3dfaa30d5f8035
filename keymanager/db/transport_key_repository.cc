#include "keymanager/db/transport_key_repository.h"

#include <utility>

#include "keymanager/db/queries.h"

namespace sallyport::db {
namespace {

constexpr Query Insert{
    "INSERT INTO transport_keys (id, created_at, updated_at, deleted, status, plugin_name, transport_key)"
    " VALUES (:id, :created, :updated, '0', 'ACTIVE', :plugin, :key)"};
constexpr Query Find{
    "SELECT id, plugin_name, transport_key, created_at, updated_at FROM transport_keys"
    " WHERE id = :id AND deleted = '0'",
    5};
constexpr Query Mark{
    "UPDATE transport_keys SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE id = :id AND deleted = '0'"};

Error no_key(const TransportKeyId& id) { return {Code::NotFound, "Not Found. Transport Key not found.", id.str()}; }

}  // namespace

Result<void> insert_transport_key(Session& session, const model::TransportKey& key) {
    TRY(session.execute(Insert, {key.id, key.created, key.updated, key.plugin_name, key.pem}));
    return {};
}

Result<model::TransportKey> find_transport_key(Session& session, const TransportKeyId& id) {
    std::optional<model::TransportKey> found;
    TRY(session.select(Find, {id}, [&found](Columns& row) -> Result<void> {
        model::TransportKey key;
        key.id = row.id<TransportKeyId>();
        key.plugin_name = row.text();
        key.pem = row.text();
        key.created = row.time();
        key.updated = row.time();
        TRY(row.finish());
        found = std::move(key);
        return {};
    }));
    if (!found) return no_key(id);
    return *std::move(found);
}

Result<model::PageOf<TransportKeyId>> list_transport_keys(Session& session,
                                                          const std::optional<std::string>& plugin_name,
                                                          const model::Page& page) {
    StatementText where;
    where.add(" FROM transport_keys WHERE deleted = '0'");
    if (plugin_name) where.add(" AND plugin_name = ", *plugin_name);
    model::PageOf<TransportKeyId> answer;
    TRY(session.select_once("SELECT COUNT(*)" + where.text, 1, where.params, [&answer](Columns& row) -> Result<void> {
        answer.total = row.integer();
        return row.finish();
    }));
    where.add(" ORDER BY created_at, id");
    where.add(" LIMIT ", page.limit);
    where.add(" OFFSET ", page.offset);
    TRY(session.select_once("SELECT id" + where.text, 1, where.params, [&answer](Columns& row) -> Result<void> {
        answer.items.push_back(row.id<TransportKeyId>());
        return row.finish();
    }));
    return answer;
}

Result<void> delete_transport_key(Session& session, const TransportKeyId& id, Timestamp now) {
    if (TRY(session.execute(Mark, {now, now, id})) == 0) return no_key(id);
    return {};
}

}  // namespace sallyport::db
