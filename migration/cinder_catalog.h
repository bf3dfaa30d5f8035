#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"

namespace sallyport::migration {

/// The id under which Cinder's ConfKeyManager knows its only key. Cinder compares the column with exactly this text.
inline constexpr std::string_view ZeroKeyId = "00000000-0000-0000-0000-000000000000";

enum class Kind { Volume, Snapshot, Backup };
/// "volume", "snapshot", "backup".
std::string_view text_of(Kind kind);

/// A text of the catalog, kept once however many rows have it; nullptr is SQL's NULL.
using Text = const std::string*;

/// One row of `volumes`, `snapshots` or `backups`: what a migration has to know of it.
struct CinderRow {
    Kind kind = Kind::Volume;
    bool deleted = false;
    std::string id;
    Text volume = nullptr;  ///< of a snapshot or backup: the id of its volume, which need not exist any more
    Text user = nullptr;
    Text project = nullptr;
    Text host = nullptr;  ///< "node1@lvm#pool"; a snapshot has that of its volume
    Text status = nullptr;
    Text key_id = nullptr;    ///< encryption_key_id
    Text provider = nullptr;  ///< of the encryption that the type asks for ("luks"); nullptr: the type asks for none

    bool has_zero_key() const { return key_id != nullptr && *key_id == ZeroKeyId; }
};

/// "volume ID": what journals, reports and messages call a row.
std::string label_of(const CinderRow& row);

/// A cinder-volume or cinder-backup that has ever reported.
struct CinderService {
    std::string binary;
    std::string host;
    bool disabled = false;
};

/// A volume's copy of the properties of the image that it was made from, where that image's key id is all zeros.
struct ZeroKeyImage {
    std::string image;   ///< empty: Cinder did not note which
    std::string volume;  ///< or snapshot, that was made from it
};

/// The encrypted and not so encrypted of a Cinder database as of one moment. Rows point into it: it is moved, never
/// copied. 100,000 volumes take about 40 MB.
struct Catalog {
    std::string revision;  ///< Alembic's (Xena and later), or "migrate N" of the releases before
    std::vector<CinderRow> volumes;
    std::vector<CinderRow> snapshots;
    std::vector<CinderRow> backups;
    std::vector<CinderService> services;
    std::vector<ZeroKeyImage> zero_key_images;
    std::unordered_set<std::string> texts{};  ///< what the rows point to

    Catalog() = default;
    Catalog(Catalog&&) = default;
    Catalog& operator=(Catalog&&) = default;
    Catalog(const Catalog&) = delete;
    Catalog& operator=(const Catalog&) = delete;
};

/// Reads it, in one transaction, and changes nothing. Error: `InvalidInput` if it is no database of Cinder's, or of a
/// release before Queens (which has no backups.encryption_key_id), saying what is missing; `Unavailable`, `Forbidden`.
Result<Catalog> read_catalog(db::Database& cinder);

/// A volume that gets its key's id, with all of its snapshots that have the zero id still; or a backup, or a snapshot,
/// alone.
struct Relink {
    Kind kind = Kind::Volume;
    std::string id;
    std::string key_id;
    std::string from{ZeroKeyId};  ///< the id that is replaced
    bool with_snapshots = true;   ///< of a volume: those that have `from` too
};

enum class RelinkOutcome {
    Done,   ///< it has the id now, and so have its snapshots
    Taken,  ///< somebody else was quicker: the row has another key's id
    Gone,   ///< the row is not there any more, or deleted
};
struct Relinked {
    RelinkOutcome outcome = RelinkOutcome::Done;
    std::string key_id;  ///< what the row has now
    long snapshots = 0;  ///< how many were changed with it
};

/// Sets ids where they are `from`, and nowhere else; all of `links` in one transaction, which is durable when this
/// returns. A volume whose id is `key_id` already counts as done, and its snapshots are set. Answers in the order of
/// `links`. Safe beside a running Cinder: each UPDATE names the value that it replaces.
Result<std::vector<Relinked>> relink(db::Database& cinder, const std::vector<Relink>& links, Timestamp now);

}  // namespace sallyport::migration
