#include "migration/residual.h"

#include <algorithm>
#include <functional>
#include <set>

#include "keymanager/base/utf8.h"

namespace sallyport::migration {
namespace {

constexpr std::string_view Replacement = "\xEF\xBF\xBD";

std::string shown(Text text) { return text == nullptr ? std::string() : readable(*text); }

/// Controls, and marks that turn the direction of what follows.
bool is_misleading(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

/// Which hosts have a service that reports, as Cinder's `services` has it.
class LivingHosts {
public:
    explicit LivingHosts(const Catalog& catalog) {
        for (const CinderService& service : catalog.services) {
            if (!service.disabled) hosts_.emplace(service.binary, service.host);
        }
    }
    /// "node1@lvm#pool" is served by the cinder-volume "node1@lvm".
    bool serve(const CinderRow& row) const {
        if (row.host == nullptr || row.host->empty()) return false;
        const std::string_view host = *row.host;
        if (row.kind == Kind::Backup) return hosts_.contains({"cinder-backup", std::string(host)});
        return hosts_.contains({"cinder-volume", std::string(host.substr(0, host.find('#')))});
    }

private:
    std::set<std::pair<std::string, std::string>> hosts_{};
};

std::vector<ReportObject> objects_where(const Plan& plan, const std::function<bool(const PlanRow&)>& is_so) {
    std::vector<ReportObject> objects;
    for (const PlanRow& row : plan.rows) {
        if (is_so(row)) objects.push_back(report_object(row));
    }
    return objects;
}

std::vector<ReportObject> zero_images(const Catalog& catalog) {
    std::vector<ReportObject> objects;
    for (const ZeroKeyImage& image : catalog.zero_key_images) {
        ReportObject object{"image", image.image.empty() ? "(not noted)" : readable(image.image)};
        object.reason = "volume or snapshot " + readable(image.volume) + " was made from it";
        objects.push_back(std::move(object));
    }
    return objects;
}

bool is_deleted_zero(const PlanRow& row) { return row.row->deleted && row.row->has_zero_key(); }
bool has_odd_id(const PlanRow& row) {
    const CinderRow& cinder = *row.row;
    return !cinder.deleted && cinder.key_id != nullptr && !cinder.has_zero_key() && !is_key_id(*cinder.key_id);
}
bool is_in_transfer(const PlanRow& row) {
    const CinderRow& cinder = *row.row;
    return row.state != State::Ignore && cinder.status != nullptr && *cinder.status == "awaiting-transfer";
}

}  // namespace

std::string readable(std::string_view text) {
    std::string shown;
    if (!is_utf8(text)) {
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            shown += byte >= 0x20 && byte < 0x7F ? std::string_view(&c, 1) : Replacement;
        }
        return shown;
    }
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        const bool hides = is_misleading(next_code_point(text, at));
        shown += hides ? Replacement : text.substr(start, at - start);
    }
    return shown;
}

ReportObject report_object(const PlanRow& row) {
    const CinderRow& cinder = *row.row;
    ReportObject object{std::string(text_of(cinder.kind)), readable(cinder.id)};
    object.state = text_of(row.state);
    object.reason = row.reason;
    object.host = shown(cinder.host);
    object.status = shown(cinder.status);
    object.project = shown(cinder.project);
    object.user = shown(cinder.user);
    return object;
}

bool is_migrated(const PlanRow& row, const PlanFacts& facts) {
    const CinderRow& cinder = *row.row;
    if (cinder.key_id == nullptr || cinder.has_zero_key()) return false;
    const auto is_its = [&cinder, &facts](const std::string& name) {
        const auto found = facts.stored.find(name);
        return found != facts.stored.end() && found->second.str() == *cinder.key_id;
    };
    if (is_its(key_name(cinder.kind, cinder.id))) return true;
    return cinder.kind == Kind::Snapshot && cinder.volume != nullptr && is_its(key_name(Kind::Volume, *cinder.volume));
}

std::vector<ResidualRisk> residual_risks(const Catalog& catalog, const Plan& plan, const PlanFacts& facts) {
    const LivingHosts living(catalog);
    std::vector<ResidualRisk> risks;
    risks.push_back(
        {"old-key-still-opens", "The old key still opens what was migrated",
         "A migration stores the key that a volume has under an id of its own; the volume's header still opens with "
         "fixed_key, and whoever has an old cinder.conf or nova.conf has that.",
         "Give the volumes new keys (rotate), and destroy old copies of the files: backups of the nodes, and those "
         "that "
         "cleanup leaves beside the files.",
         objects_where(
             plan, [&facts](const PlanRow& row) { return row.row->kind == Kind::Volume && is_migrated(row, facts); })});
    risks.push_back(
        {"pre-queens-backup", "Backups without a key id that may be encrypted",
         "Made before Queens, or never finished: their key id stands in the backup itself only. Restored, such a "
         "backup "
         "brings the all-zeros id back, and once fixed_key is gone nothing opens the volume.",
         "Keep fixed_key (in an escrow, not in the files) for as long as these backups are kept; or restore each, "
         "migrate the volume, back it up anew and delete the old one.",
         objects_where(plan, [](const PlanRow& row) {
             return row.row->kind == Kind::Backup && row.state == State::Unknown && row.row->key_id == nullptr;
         })});
    risks.push_back({"zero-key-image", "Images that carry the all-zeros key id",
                     "Images made of encrypted volumes have cinder_encryption_key_id in their properties, and nobody "
                     "migrates those: "
                     "a volume made from one asks for a key that no key manager has.",
                     "Make the image anew from a migrated volume. Glance lists them: openstack image list "
                     "--property cinder_encryption_key_id=00000000-0000-0000-0000-000000000000",
                     zero_images(catalog)});
    risks.push_back(
        {"dead-host", "Encrypted objects of hosts without a service",
         "No cinder-volume or cinder-backup that reports for their host: it is gone, renamed or disabled, or the row "
         "names none. Cinder's own migration never sees them; their data may be out of reach as well.",
         "Delete what is gone; move the rest to a living host (cinder-manage volume update_host) and attach one of "
         "them.",
         objects_where(
             plan, [&living](const PlanRow& row) { return row.state != State::Ignore && !living.serve(*row.row); })});
    risks.push_back(
        {"deleted-row", "Deleted rows that had the all-zeros key id",
         "They are no volumes any more, and no key is stored for them. Copies of their data on old disks open "
         "with fixed_key.",
         "Nothing, as a rule: cinder-manage db purge removes the rows.", objects_where(plan, is_deleted_zero)});
    risks.push_back(
        {"odd-id", "Rows whose key id is none that Cinder writes",
         "Upper case, no dashes, cut off: no service finds a key by it, and Cinder's own migration passes it "
         "over as if it were a real one.",
         "Find out by the volume's header what the key is (sallyport volume test), and mend the row.",
         objects_where(plan, has_odd_id)});
    risks.push_back(
        {"awaiting-transfer", "Encrypted volumes that wait for a transfer",
         "The key belongs to the project that gives the volume away; whoever accepts it may not read the key.",
         "Have the transfer accepted or cancelled before apply; Cinder's newer releases refuse to transfer "
         "encrypted volumes.",
         objects_where(plan, is_in_transfer)});
    return risks;
}

}  // namespace sallyport::migration
