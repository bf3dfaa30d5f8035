#include "keymanager/db/volume_repository.h"

#include <utility>

#include "keymanager/db/kek_columns.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/repository.h"

namespace sallyport::db {
namespace {

#define VOLUME_COLUMNS \
    "volume_uuid, project_id, secret_id, next_secret_id, change_kind, host, device, note, created_at, updated_at"
constexpr int VolumeColumns = 10;

constexpr Query FindVolume{"SELECT " VOLUME_COLUMNS " FROM sp_volumes WHERE volume_uuid = :uuid", VolumeColumns};
constexpr Query FindVolumeOn{"SELECT " VOLUME_COLUMNS
                             " FROM sp_volumes WHERE host = :host AND device = :device ORDER BY updated_at DESC",
                             VolumeColumns};
constexpr Query ListVolumes{
    "SELECT " VOLUME_COLUMNS " FROM sp_volumes WHERE host = :host OR :all = '1' ORDER BY volume_uuid", VolumeColumns};
constexpr Query VolumesOfSecret{
    "SELECT volume_uuid FROM sp_volumes WHERE secret_id = :secret OR next_secret_id = :next ORDER BY volume_uuid", 1};
constexpr Query InsertVolume{"INSERT INTO sp_volumes (" VOLUME_COLUMNS
                             ") VALUES (:uuid, :project, :secret, :next_secret, :change, :host, :device, :note,"
                             " :created, :updated)"};
constexpr Query UpdateVolume{
    "UPDATE sp_volumes SET secret_id = :secret, next_secret_id = :next_secret, change_kind = :change, host = :host,"
    " device = :device, note = :note, updated_at = :updated WHERE volume_uuid = :uuid"};
/// A device holds one volume at a time.
constexpr Query LeaveDevice{
    "UPDATE sp_volumes SET device = '' WHERE host = :host AND device = :device AND volume_uuid <> :uuid"};
constexpr Query RemoveVolume{"DELETE FROM sp_volumes WHERE volume_uuid = :uuid"};

#define HEADER_COLUMNS "h.version, h.digest, h.reason, h.host, h.device, h.size_bytes, h.created_at"
constexpr int HeaderColumns = 7;

constexpr Query NewestVersion{"SELECT COALESCE(MAX(version), 0) FROM sp_volume_headers WHERE volume_uuid = :uuid", 1};
constexpr Query InsertHeader{
    "INSERT INTO sp_volume_headers (id, volume_uuid, version, project_id, digest, reason, host, device, size_bytes,"
    " kek_id, wrapped_key, wrapped_key_meta, created_at)"
    " VALUES (:id, :uuid, :version, :project, :digest, :reason, :host, :device, :size, :kek, :key, :meta, :created)"};
constexpr Query InsertPiece{
    "INSERT INTO sp_volume_header_pieces (header_id, piece, cypher_text) VALUES (:header, :piece, :text)"};
constexpr Query FindHeader{"SELECT " HEADER_COLUMNS
                           ", h.id, h.project_id, h.wrapped_key, h.wrapped_key_meta,"
                           " " KEK_OWN_COLUMNS
                           ", h.project_id"
                           " FROM sp_volume_headers h JOIN kek_data k ON k.id = h.kek_id"
                           " WHERE h.volume_uuid = :uuid AND h.version = :version",
                           HeaderColumns + 4 + KekColumns};
constexpr Query FindPieces{"SELECT cypher_text FROM sp_volume_header_pieces WHERE header_id = :header ORDER BY piece",
                           1};
constexpr Query ListHeaders{"SELECT " HEADER_COLUMNS
                            " FROM sp_volume_headers h WHERE h.volume_uuid = :uuid ORDER BY h.version DESC",
                            HeaderColumns};
constexpr Query RemovePieces{
    "DELETE FROM sp_volume_header_pieces WHERE header_id IN"
    " (SELECT h.id FROM sp_volume_headers h WHERE h.volume_uuid = :uuid AND h.version < :version)"};
// The wrapped key is overwritten before its row goes: without it the pieces are noise, wherever a page of them lies on.
constexpr Query BlankHeaderKeys{
    "UPDATE sp_volume_headers SET wrapped_key = '', wrapped_key_meta = NULL"
    " WHERE volume_uuid = :uuid AND version < :version"};
constexpr Query RemoveHeaders{"DELETE FROM sp_volume_headers WHERE volume_uuid = :uuid AND version < :version"};

constexpr Query CountCiphertexts{
    "SELECT COUNT(*) FROM encrypted_data WHERE secret_id = :id AND cypher_text IS NOT NULL", 1};
constexpr Query BlankCiphertexts{
    "UPDATE encrypted_data SET cypher_text = NULL, kek_meta_extended = NULL WHERE secret_id = :id"};
constexpr Query RemoveCiphertexts{"DELETE FROM encrypted_data WHERE secret_id = :id"};

Result<model::VolumeRecord> take_volume(Columns& row) {
    model::VolumeRecord record;
    record.uuid = row.id<model::VolumeUuid>();
    record.project = row.id<ProjectId>();
    record.secret = row.optional_id<SecretId>();
    record.next_secret = row.optional_id<SecretId>();
    const std::string change = row.text();
    record.host = row.text();
    record.device = row.text();
    record.note = row.optional_text().value_or("");
    record.created = row.time();
    record.updated = row.time();
    TRY(row.finish());
    const auto known = model::volume_change_from(change);
    if (!known) return Error{Code::Corrupt, "the volume's row is damaged", record.uuid.str() + ": " + change};
    record.change = *known;
    return record;
}

Result<std::vector<model::VolumeRecord>> volumes(Session& session, const Query& query,
                                                 std::initializer_list<Param> params) {
    std::vector<model::VolumeRecord> found;
    TRY(session.select(query, params, [&found](Columns& row) -> Result<void> {
        found.push_back(TRY(take_volume(row)));
        return {};
    }));
    return found;
}

std::optional<model::VolumeRecord> first_of(std::vector<model::VolumeRecord> records) {
    if (records.empty()) return std::nullopt;
    return std::move(records.front());
}

model::HeaderVersion take_header(Columns& row, const model::VolumeUuid& uuid) {
    model::HeaderVersion header;
    header.uuid = uuid;
    header.version = static_cast<int>(row.integer());
    header.digest = row.text();
    header.reason = row.text();
    header.host = row.text();
    header.device = row.text();
    header.size = row.integer();
    header.created = row.time();
    return header;
}

}  // namespace

Result<std::optional<model::VolumeRecord>> find_volume(Session& session, const model::VolumeUuid& uuid) {
    return first_of(TRY(volumes(session, FindVolume, {uuid})));
}

Result<std::optional<model::VolumeRecord>> find_volume_on(Session& session, const std::string& host,
                                                          const std::string& device) {
    return first_of(TRY(volumes(session, FindVolumeOn, {host, device})));
}

Result<std::vector<model::VolumeRecord>> list_volumes(Session& session, const std::string& host) {
    return volumes(session, ListVolumes, {host, Param::flag(host.empty())});
}

Result<std::vector<model::VolumeUuid>> volumes_of_secret(Session& session, const SecretId& secret) {
    std::vector<model::VolumeUuid> found;
    TRY(session.select(VolumesOfSecret, {secret, secret}, [&found](Columns& row) -> Result<void> {
        found.push_back(row.id<model::VolumeUuid>());
        return row.finish();
    }));
    return found;
}

Result<void> put_volume(Session& session, const model::VolumeRecord& record, Timestamp now) {
    const std::string_view change = model::text_of(record.change);
    if (!record.device.empty()) TRY(session.execute(LeaveDevice, {record.host, record.device, record.uuid}));
    // The count of changed rows is no answer: MariaDB counts only those that were not like this before.
    if (TRY(find_volume(session, record.uuid))) {
        TRY(session.execute(UpdateVolume, {record.secret, record.next_secret, change, record.host, record.device,
                                           record.note, now, record.uuid}));
        return {};
    }
    TRY(session.execute(InsertVolume, {record.uuid, record.project, record.secret, record.next_secret, change,
                                       record.host, record.device, record.note, now, now}));
    return {};
}

Result<void> forget_volume(Session& session, const model::VolumeUuid& uuid) {
    TRY(session.execute(RemoveVolume, {uuid}));
    return {};
}

Result<int> insert_header(Session& session, const StoredHeader& header, Timestamp now) {
    const model::HeaderVersion& facts = header.version;
    // Of two at a time one meets the primary key, and its transaction is done again.
    const long version = 1 + TRY(take_count(session, NewestVersion, {facts.uuid}));
    TRY(session.execute(InsertHeader, {header.id, facts.uuid, version, header.project, facts.digest, facts.reason,
                                       facts.host, facts.device, static_cast<long>(facts.size), header.kek.id,
                                       header.key.cypher_text, header.key.kek_meta_extended, now}));
    int piece = 0;
    for (const std::string& text : header.pieces) TRY(session.execute(InsertPiece, {header.id, piece++, text}));
    return static_cast<int>(version);
}

Result<StoredHeader> find_header(Session& session, const model::VolumeUuid& uuid, int version) {
    std::optional<StoredHeader> found;
    TRY(session.select(FindHeader, {uuid, version}, [&found, &uuid](Columns& row) -> Result<void> {
        found.emplace();
        found->version = take_header(row, uuid);
        found->id = row.id<HeaderCopyId>();
        found->project = row.id<ProjectId>();
        found->key.cypher_text = row.text();
        found->key.kek_meta_extended = row.optional_text();
        found->kek = take_kek(row);
        return row.finish();
    }));
    if (!found) {
        return Error{
            Code::NotFound,
            "the key manager keeps no version " + std::to_string(version) + " of the header of volume " + uuid.str(),
            {}};
    }
    TRY(session.select(FindPieces, {found->id}, [&found](Columns& row) -> Result<void> {
        found->pieces.push_back(row.text());
        return row.finish();
    }));
    return *std::move(found);
}

Result<std::vector<model::HeaderVersion>> list_headers(Session& session, const model::VolumeUuid& uuid) {
    std::vector<model::HeaderVersion> found;
    TRY(session.select(ListHeaders, {uuid}, [&found, &uuid](Columns& row) -> Result<void> {
        found.push_back(take_header(row, uuid));
        return row.finish();
    }));
    return found;
}

Result<long> destroy_headers_before(Session& session, const model::VolumeUuid& uuid, int version) {
    TRY(session.execute(RemovePieces, {uuid, version}));
    TRY(session.execute(BlankHeaderKeys, {uuid, version}));
    return session.execute(RemoveHeaders, {uuid, version});
}

Result<long> destroy_secret(Session& session, const SecretId& id, Timestamp now) {
    const auto marked = delete_expired_secret(session, id, now);
    if (!marked && marked.error().code != Code::NotFound) return marked.error();
    TRY(session.execute(BlankCiphertexts, {id}));
    return session.execute(RemoveCiphertexts, {id});
}

Result<long> count_ciphertexts(Session& session, const SecretId& id) {
    return take_count(session, CountCiphertexts, {id});
}

}  // namespace sallyport::db
