#include "agent/cli/migrate_situation.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <utility>

#include "agent/cli/output.h"
#include "migration/facts.h"

namespace sallyport::cli {
namespace {

Result<migration::PlanFacts> facts_of(CliContext& context, const MigrateOptions& options, Situation& now,
                                      AsksVault asks) {
    migration::FactSources sources;
    sources.jobs = options.jobs;
    sources.probe = now.probe.get();
    sources.key = now.inputs.key ? &now.inputs.key->bytes : nullptr;
    const migration::PlanOptions wanted{options.host, options.relink_lost};
    if (!options.offline) {
        auto vault = open_vault(context, options);
        if (vault) {
            sources.vault = vault->get();
            auto facts = migration::gather_facts(now.catalog, sources, wanted);
            if (facts || asks == AsksVault::Always) {
                now.vault = *std::move(vault);
                return facts;
            }
            vault = facts.error();
        }
        if (asks == AsksVault::Always) return vault.error();
        remark(context, fmt::format("the key manager was not asked: {}", vault.error().message));
    }
    sources.vault = nullptr;
    return migration::gather_facts(now.catalog, sources, wanted);
}

}  // namespace

Result<Situation> look(CliContext& context, const MigrateOptions& options, AsksVault asks) {
    Situation now;
    now.inputs = TRY(read_migration_inputs(options));
    now.cinder = TRY(open_cinder(now.inputs, options.jobs));
    auto catalog = migration::read_catalog(*now.cinder);
    if (!catalog) {
        Error error = std::move(catalog).error();
        error.message = "the Cinder database: " + error.message;
        return error;
    }
    now.catalog = *std::move(catalog);
    if (!options.volume_paths.empty()) now.probe = std::make_unique<CinderProbe>(options.volume_paths);
    now.facts = TRY(facts_of(context, options, now, asks));
    now.plan = migration::make_plan(now.catalog, now.facts, {options.host, options.relink_lost});
    return now;
}

void add_inputs(CLI::App& verb, MigrateOptions& options) {
    verb.add_option("--cinder-conf", options.cinder_conf, "cinder.conf; several are read in their order, as by Cinder")
        ->type_name("FILE");
    verb.add_option("--nova-conf", options.nova_conf, "nova.conf of the compute nodes: must have the same fixed_key")
        ->type_name("FILE");
    verb.add_option("--database", options.database, "Cinder's database, if it is not the one in cinder.conf")
        ->type_name("URL");
    verb.add_option("--database-password-file", options.database_password_file, "The password for --database")
        ->type_name("FILE");
}

void add_scope(CLI::App& verb, MigrateOptions& options) {
    verb.add_option("--host", options.host,
                    "Only objects of this host: node1@lvm with its pools, node1 with its backends")
        ->type_name("HOST");
    verb.add_option("--volume-path", options.volume_paths,
                    "Where volumes can be read here, to try the key on their headers; {id} is the volume's id: "
                    "/dev/cinder-volumes/volume-{id}")
        ->type_name("PATTERN");
    verb.add_option(
            "--target", options.target,
            "A Barbican elsewhere instead of this node's agent: http://barbican:9311. Called with Cinder's own "
            "account ([keystone_authtoken] of cinder.conf); keys become its project's, with access lists for the "
            "rows' users, as Cinder's own migration left them")
        ->type_name("URL");
    verb.add_option("--jobs", options.jobs, "How many batches at a time")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
}

void add_journal(CLI::App& verb, MigrateOptions& options) {
    verb.add_option("--journal", options.journal, "What apply has done, and is about to do")
        ->type_name("FILE")
        ->capture_default_str();
}

void add_owner(CLI::App& verb, MigrateOptions& options) {
    verb.add_option("--owner", options.owner,
                    "Whose the keys become: those of the volume's project, as Cinder's own keys are (tenant), or the "
                    "agent's caller's with access lists, as Cinder's own migration left them (service)")
        ->check(CLI::IsMember({"tenant", "service"}))
        ->capture_default_str();
}

}  // namespace sallyport::cli
