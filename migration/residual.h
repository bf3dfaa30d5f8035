#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migration/cinder_catalog.h"
#include "migration/plan.h"

namespace sallyport::migration {

/// One object of a report, as text that anybody may be shown: control characters and bytes that are no UTF-8 are
/// replaced, for names come from users.
struct ReportObject {
    std::string kind;  ///< "volume", "snapshot", "backup", "image"
    std::string id;
    std::string state{};
    std::string reason{};
    std::string host{};
    std::string status{};
    std::string project{};
    std::string user{};
};

/// What a migration leaves behind, or cannot see.
struct ResidualRisk {
    std::string_view name;    ///< "pre-queens-backup": for programs
    std::string_view title;   ///< for people
    std::string_view why;     ///< what can go wrong
    std::string_view remedy;  ///< what to do
    std::vector<ReportObject> objects{};
};

ReportObject report_object(const PlanRow& row);
/// `text` made fit to be shown.
std::string readable(std::string_view text);

/// All kinds of them, those without objects too.
std::vector<ResidualRisk> residual_risks(const Catalog& catalog, const Plan& plan, const PlanFacts& facts);

/// True if the row has a key that a migration of ours has stored for it, or for its volume.
bool is_migrated(const PlanRow& row, const PlanFacts& facts);

}  // namespace sallyport::migration
