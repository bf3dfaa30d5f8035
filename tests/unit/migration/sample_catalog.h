#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "migration/cinder_catalog.h"

namespace sallyport::migration {

/// A catalog that tests fill by hand.
class SampleCatalog {
public:
    static constexpr std::string_view RealId = "7a1f0c52-6f0b-4f6e-9d0e-5f3b8f2f1a01";

    SampleCatalog() {
        catalog_.revision = "c92a3e68beed";
        catalog_.services = {{"cinder-volume", "node1@lvm", false}, {"cinder-backup", "bk1", false}};
    }

    Text text(std::string_view text) { return &*catalog_.texts.emplace(text).first; }

    /// An encrypted one of node1 with this key id; NULL for an empty one. Good until the next is added.
    CinderRow& add(Kind kind, std::string id, std::string_view key_id, std::string_view volume = {}) {
        CinderRow row;
        row.kind = kind;
        row.id = std::move(id);
        row.user = text("user");
        row.project = text("project");
        row.host = text(kind == Kind::Backup ? "bk1" : "node1@lvm#pool");
        row.status = text("available");
        row.provider = text("luks");
        if (!key_id.empty()) row.key_id = text(key_id);
        if (!volume.empty()) row.volume = text(volume);
        auto& rows = kind == Kind::Volume     ? catalog_.volumes
                     : kind == Kind::Snapshot ? catalog_.snapshots
                                              : catalog_.backups;
        rows.push_back(std::move(row));
        return rows.back();
    }

    Catalog& catalog() { return catalog_; }

private:
    Catalog catalog_;
};

}  // namespace sallyport::migration
