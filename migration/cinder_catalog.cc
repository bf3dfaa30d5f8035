#include "migration/cinder_catalog.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "keymanager/base/clock.h"
#include "keymanager/db/session.h"

namespace sallyport::migration {
namespace {

using db::Columns;
using db::Query;
using db::Session;

// What the rows of a deleted type say still holds for the volumes that have it, so none is left out.
constexpr Query FindProviders{"SELECT volume_type_id, provider, deleted FROM encryption", 3};
constexpr Query FindVolumes{
    "SELECT id, deleted, user_id, project_id, host, status, encryption_key_id, volume_type_id FROM volumes", 8};
constexpr Query FindSnapshots{
    "SELECT id, deleted, user_id, project_id, status, encryption_key_id, volume_id FROM snapshots", 7};
constexpr Query FindBackups{
    "SELECT id, deleted, user_id, project_id, host, status, encryption_key_id, volume_id FROM backups", 8};
constexpr Query FindServices{"SELECT \"binary\", host, disabled FROM services WHERE deleted = '0'", 3};
constexpr Query FindZeroKeyImages{
    "SELECT COALESCE(i.value, ''), COALESCE(k.volume_id, k.snapshot_id, '') FROM volume_glance_metadata k"
    " LEFT JOIN volume_glance_metadata i ON i.deleted = '0' AND i.\"key\" = 'image_id'"
    " AND (i.volume_id = k.volume_id OR i.snapshot_id = k.snapshot_id)"
    " WHERE k.deleted = '0' AND k.\"key\" = 'cinder_encryption_key_id' AND k.value = :zero",
    2};
constexpr Query FindAlembic{"SELECT version_num FROM alembic_version", 1};
constexpr Query FindMigrate{"SELECT version FROM migrate_version", 1};

constexpr Query LinkVolume{
    "UPDATE volumes SET encryption_key_id = :new, updated_at = :now"
    " WHERE id = :id AND encryption_key_id = :from AND deleted = '0'"};
constexpr Query LinkSnapshotsOf{
    "UPDATE snapshots SET encryption_key_id = :new, updated_at = :now"
    " WHERE volume_id = :id AND encryption_key_id = :from AND deleted = '0'"};
constexpr Query LinkSnapshot{
    "UPDATE snapshots SET encryption_key_id = :new, updated_at = :now"
    " WHERE id = :id AND encryption_key_id = :from AND deleted = '0'"};
constexpr Query LinkBackup{
    "UPDATE backups SET encryption_key_id = :new, updated_at = :now"
    " WHERE id = :id AND encryption_key_id = :from AND deleted = '0'"};
constexpr Query FindVolumeKey{"SELECT encryption_key_id FROM volumes WHERE id = :id AND deleted = '0'", 1};
constexpr Query FindSnapshotKey{"SELECT encryption_key_id FROM snapshots WHERE id = :id AND deleted = '0'", 1};
constexpr Query FindBackupKey{"SELECT encryption_key_id FROM backups WHERE id = :id AND deleted = '0'", 1};

struct RowStatements {
    const Query& link;
    const Query& find_key;
};
RowStatements statements_of(Kind kind) {
    switch (kind) {
        case Kind::Volume: return {LinkVolume, FindVolumeKey};
        case Kind::Snapshot: return {LinkSnapshot, FindSnapshotKey};
        case Kind::Backup: break;
    }
    return {LinkBackup, FindBackupKey};
}

/// Cinder's own queries say "deleted = 0", so a row without a word about it is as good as deleted.
bool is_deleted(const std::optional<std::string>& flag) { return !flag || (*flag != "0" && *flag != "f"); }

class Reader {
public:
    explicit Reader(Session& session) : session_(session) {}

    Result<Catalog> read() {
        TRY(check_tables());
        TRY(read_revision());
        TRY(read_providers());
        TRY(read_volumes());
        TRY(read_snapshots());
        TRY(read_backups());
        TRY(read_services());
        TRY(session_.select(FindZeroKeyImages, {ZeroKeyId}, [this](Columns& row) -> Result<void> {
            ZeroKeyImage image;
            image.image = row.text();
            image.volume = row.text();
            catalog_.zero_key_images.push_back(std::move(image));
            return row.finish();
        }));
        return std::move(catalog_);
    }

private:
    struct VolumeFacts {
        Text host;
        Text provider;
    };

    Result<void> check_tables() {
        for (const char* table :
             {"volumes", "snapshots", "backups", "encryption", "services", "volume_glance_metadata"}) {
            if (TRY(session_.has_table(table))) continue;
            return Error{Code::InvalidInput,
                         fmt::format("the database has no table '{}': it is not Cinder's, or of a release that is not "
                                     "known here; name the right one with --database",
                                     table),
                         {}};
        }
        return {};
    }

    Result<void> read_revision() {
        const auto take = [this](const char* prefix) {
            return [this, prefix](Columns& row) -> Result<void> {
                catalog_.revision = prefix + row.text();
                return row.finish();
            };
        };
        if (TRY(session_.has_table("alembic_version"))) TRY(session_.select(FindAlembic, {}, take("")));
        if (catalog_.revision.empty() && TRY(session_.has_table("migrate_version"))) {
            TRY(session_.select(FindMigrate, {}, take("migrate ")));
        }
        if (!catalog_.revision.empty()) return {};
        return Error{
            Code::InvalidInput,
            "the database does not say at which revision it is (no alembic_version, no migrate_version): it is "
            "not Cinder's, or its upgrade has not ended (cinder-manage db sync)",
            {}};
    }

    /// A column that is not there is a release that is not known here. Anything else is what it is.
    Result<void> select(const char* table, const Query& query, const Session::OnRow& on_row) {
        auto outcome = session_.select(query, {}, on_row);
        if (outcome || (outcome.error().code != Code::Internal && outcome.error().code != Code::InvalidInput))
            return outcome;
        return Error{
            Code::InvalidInput,
            fmt::format("table '{}' of the Cinder database (revision {}) has not the columns that are asked for: "
                        "a release before Queens, or one that is not known here",
                        table, catalog_.revision),
            outcome.error().detail};
    }

    Text keep(std::optional<std::string> text) {
        if (!text) return nullptr;
        return &*catalog_.texts.insert(std::move(*text)).first;
    }

    Result<void> read_providers() {
        return select("encryption", FindProviders, [this](Columns& row) -> Result<void> {
            const std::string type = row.text();
            std::optional<std::string> provider = row.optional_text();
            const bool deleted = is_deleted(row.optional_text());
            // A type may have had another encryption before: the one that is not deleted counts.
            if (!deleted || !providers_.contains(type)) providers_[type] = keep(provider.value_or(""));
            return row.finish();
        });
    }

    void take_common(Columns& row, CinderRow& taken) {
        taken.id = row.text();
        taken.deleted = is_deleted(row.optional_text());
        taken.user = keep(row.optional_text());
        taken.project = keep(row.optional_text());
    }

    Result<void> read_volumes() {
        return select("volumes", FindVolumes, [this](Columns& row) -> Result<void> {
            CinderRow volume;
            volume.kind = Kind::Volume;
            take_common(row, volume);
            volume.host = keep(row.optional_text());
            volume.status = keep(row.optional_text());
            volume.key_id = keep(row.optional_text());
            const auto provider = providers_.find(row.optional_text().value_or(""));
            if (provider != providers_.end()) volume.provider = provider->second;
            volumes_[volume.id] = {volume.host, volume.provider};
            catalog_.volumes.push_back(std::move(volume));
            return row.finish();
        });
    }

    Result<void> read_snapshots() {
        return select("snapshots", FindSnapshots, [this](Columns& row) -> Result<void> {
            CinderRow snapshot;
            snapshot.kind = Kind::Snapshot;
            take_common(row, snapshot);
            snapshot.status = keep(row.optional_text());
            snapshot.key_id = keep(row.optional_text());
            snapshot.volume = keep(row.optional_text());
            if (const VolumeFacts* volume = facts_of(snapshot.volume)) {
                snapshot.host = volume->host;
                snapshot.provider = volume->provider;
            }
            catalog_.snapshots.push_back(std::move(snapshot));
            return row.finish();
        });
    }

    Result<void> read_backups() {
        return select("backups", FindBackups, [this](Columns& row) -> Result<void> {
            CinderRow backup;
            backup.kind = Kind::Backup;
            take_common(row, backup);
            backup.host = keep(row.optional_text());
            backup.status = keep(row.optional_text());
            backup.key_id = keep(row.optional_text());
            backup.volume = keep(row.optional_text());
            if (const VolumeFacts* volume = facts_of(backup.volume)) backup.provider = volume->provider;
            catalog_.backups.push_back(std::move(backup));
            return row.finish();
        });
    }

    Result<void> read_services() {
        return select("services", FindServices, [this](Columns& row) -> Result<void> {
            CinderService service;
            service.binary = row.optional_text().value_or("");
            service.host = row.optional_text().value_or("");
            service.disabled = !is_deleted(row.optional_text()) ? false : true;
            catalog_.services.push_back(std::move(service));
            return row.finish();
        });
    }

    const VolumeFacts* facts_of(Text volume) const {
        const auto found = volume == nullptr ? volumes_.end() : volumes_.find(*volume);
        return found == volumes_.end() ? nullptr : &found->second;
    }

    Session& session_;
    Catalog catalog_{};
    std::unordered_map<std::string, Text> providers_{};
    std::unordered_map<std::string, VolumeFacts> volumes_{};
};

/// The key id that a row has now; nothing if it is gone.
Result<std::optional<std::string>> key_of(Session& session, Kind kind, const std::string& id) {
    std::optional<std::string> key_id;
    TRY(session.select(statements_of(kind).find_key, {id}, [&key_id](Columns& row) -> Result<void> {
        key_id = row.optional_text().value_or("");
        return row.finish();
    }));
    return key_id;
}

Result<Relinked> relink_one(Session& session, const Relink& link, Timestamp now) {
    Relinked made;
    made.key_id = link.key_id;
    if (TRY(session.execute(statements_of(link.kind).link, {link.key_id, now, link.id, link.from})) == 0) {
        const auto current = TRY(key_of(session, link.kind, link.id));
        made.key_id = current.value_or("");
        if (made.key_id != link.key_id) {
            made.outcome = current ? RelinkOutcome::Taken : RelinkOutcome::Gone;
            return made;
        }
    }
    if (link.kind == Kind::Volume && link.with_snapshots) {
        made.snapshots = TRY(session.execute(LinkSnapshotsOf, {link.key_id, now, link.id, link.from}));
    }
    return made;
}

}  // namespace

std::string_view text_of(Kind kind) {
    switch (kind) {
        case Kind::Volume: return "volume";
        case Kind::Snapshot: return "snapshot";
        case Kind::Backup: break;
    }
    return "backup";
}

std::string label_of(const CinderRow& row) { return fmt::format("{} {}", text_of(row.kind), row.id); }

Result<Catalog> read_catalog(db::Database& cinder) {
    return cinder.read([](Session& session) { return Reader(session).read(); });
}

Result<std::vector<Relinked>> relink(db::Database& cinder, const std::vector<Relink>& links, Timestamp now) {
    return cinder.write([&links, now](Session& session) -> Result<std::vector<Relinked>> {
        std::vector<Relinked> made;
        for (const Relink& link : links) {
            Relinked one = TRY(relink_one(session, link, now));
            made.push_back(std::move(one));
        }
        return made;
    });
}

}  // namespace sallyport::migration
