#include "keymanager/db/kek_repository.h"

#include "keymanager/db/kek_columns.h"

// Portable as in repository.cc: every ":name" stands once, booleans are compared with '0' and '1'.
namespace sallyport::db {
namespace {

constexpr Query ListKeks{"SELECT " KEK_COLUMNS
                         ", k.active FROM kek_data k JOIN projects kp ON kp.id = k.project_id"
                         " WHERE k.plugin_name = :plugin AND k.id > :after ORDER BY k.id LIMIT :most",
                         KekColumns + 1};
constexpr Query ListLiveKeks{
    "SELECT " KEK_COLUMNS
    " FROM kek_data k JOIN projects kp ON kp.id = k.project_id"
    " WHERE k.deleted = '0' AND k.bind_completed = '1' AND k.id > :after ORDER BY k.id LIMIT :most",
    KekColumns};
constexpr Query ReplaceWrapping{
    "UPDATE kek_data SET plugin_meta = :wrapping, updated_at = :updated WHERE id = :id AND plugin_meta = :seen"};
constexpr Query RetireOthers{
    "UPDATE kek_data SET active = '0', updated_at = :updated WHERE plugin_name = :plugin AND active = '1' AND id <> :id"
    " AND project_id IN (SELECT id FROM projects WHERE external_id = :project)"};
constexpr Query ListProjects{
    "SELECT DISTINCT kp.external_id FROM kek_data k JOIN projects kp ON kp.id = k.project_id"
    " WHERE k.plugin_name = :plugin AND k.active = '1' AND k.deleted = '0' AND kp.external_id > :after"
    " ORDER BY kp.external_id LIMIT :most",
    1};
constexpr Query ListRetiredPayloads{
    "SELECT e.id, e.secret_id, sp.external_id, e.cypher_text, e.kek_meta_extended, " KEK_COLUMNS
    " FROM encrypted_data e JOIN kek_data k ON k.id = e.kek_id JOIN projects kp ON kp.id = k.project_id"
    " JOIN secrets s ON s.id = e.secret_id JOIN projects sp ON sp.id = s.project_id"
    " WHERE k.plugin_name = :plugin AND k.active = '0' AND e.id > :after ORDER BY e.id LIMIT :most",
    5 + KekColumns};
constexpr Query ReplacePayload{
    "UPDATE encrypted_data SET cypher_text = :cypher_text, kek_meta_extended = :extended, kek_id = :kek,"
    " updated_at = :updated WHERE id = :id AND kek_id = :old_kek AND cypher_text = :seen"};

}  // namespace

model::KekMeta take_kek(Columns& row) {
    model::KekMeta kek;
    kek.id = row.id<KekId>();
    kek.plugin_name = row.text();
    kek.label = row.optional_text().value_or("");
    kek.algorithm = row.optional_text().value_or("");
    kek.bit_length = row.optional_integer().value_or(0);
    kek.mode = row.optional_text().value_or("");
    kek.plugin_meta = row.optional_text().value_or("");
    kek.project = row.id<ProjectId>();
    return kek;
}

Result<std::vector<StoredKek>> list_keks(Session& session, const std::string& plugin_name, const KekId& after,
                                         int limit) {
    std::vector<StoredKek> keks;
    TRY(session.select(ListKeks, {plugin_name, after, limit}, [&keks](Columns& row) -> Result<void> {
        model::KekMeta kek = take_kek(row);
        const bool is_active = row.flag();
        keks.push_back({std::move(kek), is_active});
        return row.finish();
    }));
    return keks;
}

Result<std::vector<model::KekMeta>> list_live_keks(Session& session, const KekId& after, int limit) {
    std::vector<model::KekMeta> keks;
    TRY(session.select(ListLiveKeks, {after, limit}, [&keks](Columns& row) -> Result<void> {
        keks.push_back(take_kek(row));
        return row.finish();
    }));
    return keks;
}

Result<bool> replace_wrapping(Session& session, const model::KekMeta& seen, const std::string& wrapping,
                              Timestamp now) {
    const long replaced = TRY(session.execute(ReplaceWrapping, {wrapping, now, seen.id, seen.plugin_meta}));
    return replaced == 1;
}

Result<void> retire_other_keks(Session& session, const model::KekMeta& kek, Timestamp now) {
    TRY(session.execute(RetireOthers, {now, kek.plugin_name, kek.id, kek.project}));
    return {};
}

Result<std::vector<ProjectId>> projects_with_kek(Session& session, const std::string& plugin_name,
                                                 const ProjectId& after, int limit) {
    std::vector<ProjectId> projects;
    TRY(session.select(ListProjects, {plugin_name, after, limit}, [&projects](Columns& row) -> Result<void> {
        projects.push_back(row.id<ProjectId>());
        return row.finish();
    }));
    return projects;
}

Result<std::vector<RetiredPayload>> list_retired_payloads(Session& session, const std::string& plugin_name,
                                                          const PayloadId& after, int limit) {
    std::vector<RetiredPayload> payloads;
    TRY(session.select(ListRetiredPayloads, {plugin_name, after, limit}, [&payloads](Columns& row) -> Result<void> {
        RetiredPayload payload;
        payload.id = row.id<PayloadId>();
        payload.secret = row.id<SecretId>();
        payload.project = row.id<ProjectId>();
        payload.wrapped.cypher_text = row.text();
        payload.wrapped.kek_meta_extended = row.optional_text();
        payload.kek = take_kek(row);
        payloads.push_back(std::move(payload));
        return row.finish();
    }));
    return payloads;
}

Result<bool> replace_payload(Session& session, const RetiredPayload& seen, const KekId& kek,
                             const model::WrappedSecret& wrapped, Timestamp now) {
    const long replaced = TRY(session.execute(ReplacePayload, {wrapped.cypher_text, wrapped.kek_meta_extended, kek, now,
                                                               seen.id, seen.kek.id, seen.wrapped.cypher_text}));
    return replaced == 1;
}

}  // namespace sallyport::db
