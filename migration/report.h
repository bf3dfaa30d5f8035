#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "migration/cinder_catalog.h"
#include "migration/plan.h"
#include "migration/residual.h"

namespace sallyport::migration {

using StateCounts = std::map<Kind, std::map<State, long>>;

/// How everything stands at one time: "before the migration", "now", "after apply".
struct Moment {
    std::string_view name;
    StateCounts counts;
};

/// What a human has to know of a migration, whenever it is asked. All text in it may be shown (residual.h).
struct Report {
    Timestamp made_at{};
    std::string database{};  ///< what the caller calls it; without its password
    std::string revision{};  ///< of its schema
    bool keys_were_checked = false;
    long to_store = 0;  ///< secrets that apply would make
    /// What differs of: before (what our runs have migrated counted as OLD), now, after (what apply would do, done).
    std::vector<Moment> moments{};
    std::vector<ReportObject> needs_human{};
    bool has_residual = false;
    std::vector<ResidualRisk> residual{};
};

struct ReportOptions {
    Timestamp now{};
    std::string database{};
    bool residual = false;
};
Report make_report(const Catalog& catalog, const Plan& plan, const PlanFacts& facts, const ReportOptions& options);

/// Everything, for programs.
std::string to_json(const Report& report);
/// For a ticket: tables end after the first thousand objects and say so.
std::string to_markdown(const Report& report);
/// One page for a browser, with a picture of the moments, light or dark as that is set; nothing is loaded from
/// elsewhere, and nothing runs. Tables as in Markdown.
std::string to_html(const Report& report);

}  // namespace sallyport::migration
