#pragma once

#include <memory>

#include "agent/cli/cinder_probe.h"
#include "agent/cli/command.h"
#include "agent/cli/migrate_inputs.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "migration/cinder_catalog.h"
#include "migration/key_vault.h"
#include "migration/plan.h"

namespace sallyport::cli {

/// Everything that a verb looks at before it does anything.
struct Situation {
    MigrationInputs inputs;
    std::unique_ptr<db::Database> cinder;
    std::unique_ptr<migration::KeyVault> vault;  ///< nullptr: not asked
    std::unique_ptr<CinderProbe> probe;          ///< nullptr: no volume is in reach
    migration::Catalog catalog;
    migration::PlanFacts facts;
    migration::Plan plan;  ///< points into the catalog
};

enum class AsksVault {
    Always,
    IfItCan  ///< without an agent a plan is made all the same: what it then cannot know it says
};

/// Reads the files, the database and what the key manager and the headers in reach say. Changes nothing.
Result<Situation> look(CliContext& context, const MigrateOptions& options, AsksVault asks);

/// Options that several verbs have.
void add_inputs(CLI::App& verb, MigrateOptions& options);
void add_scope(CLI::App& verb, MigrateOptions& options);
void add_journal(CLI::App& verb, MigrateOptions& options);
void add_owner(CLI::App& verb, MigrateOptions& options);

}  // namespace sallyport::cli
