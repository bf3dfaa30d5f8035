#pragma once

#include <string>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"
#include "migration/apply.h"
#include "migration/cinder_catalog.h"
#include "migration/journal.h"
#include "migration/plan.h"
#include "migration/rekey.h"

namespace sallyport::cli {

/// A plan: for people the counts and what a human must look at (all objects with `all`); as JSON everything, an object
/// a line, written as it is made: a plan may have a million. YAML and bare values: the counts.
Result<void> print_plan(CliContext& context, const migration::Catalog& catalog, const migration::Plan& plan, bool all);

/// `rekeyed`: nullptr if that was not asked for.
Result<void> print_report(CliContext& context, const migration::ApplyReport& report,
                          const migration::RekeyReport* rekeyed);
Result<void> print_status(CliContext& context, const std::string& journal, const migration::JournalSummary& summary);

/// How many volumes and backups still have the zero id, of all hosts: Cinder's own summary, on stderr.
void remark_on_rest(const CliContext& context, const migration::Catalog& catalog);

}  // namespace sallyport::cli
