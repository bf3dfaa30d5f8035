#include "agent/cli/migrate.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/agent_rotator.h"
#include "agent/cli/cinder_probe.h"
#include "agent/cli/migrate_finish.h"
#include "agent/cli/migrate_inputs.h"
#include "agent/cli/migrate_print.h"
#include "agent/cli/migrate_situation.h"
#include "agent/cli/output.h"
#include "agent/cli/progress_bar.h"
#include "keymanager/base/clock.h"
#include "migration/apply.h"
#include "migration/cinder_catalog.h"
#include "migration/facts.h"
#include "migration/journal.h"
#include "migration/messages.h"
#include "migration/plan.h"
#include "migration/rekey.h"
#include "migration/verify.h"

namespace sallyport::cli {
namespace {

namespace messages = migration::messages;

void remark_on_configuration(const CliContext& context, const MigrationInputs& inputs) {
    if (inputs.uses_conf_key_manager()) remark(context, messages::key_manager_still_in_use().text);
    if (inputs.was_configured && !inputs.key) remark(context, messages::fixed_key_not_in_use().text);
    const std::string difference = migration::description(inputs.comparison);
    if (!difference.empty()) remark(context, difference);
}

/// Keys that differ between files are as much a human's business as a row is.
bool keys_differ(const MigrationInputs& inputs) {
    return inputs.comparison.same.size() > 1 || !inputs.comparison.outdone.empty();
}

Result<void> plan(CliContext& context, const MigrateOptions& options, bool all) {
    const Situation now = TRY(look(context, options, AsksVault::IfItCan));
    remark_on_configuration(context, now.inputs);
    TRY(print_plan(context, now.catalog, now.plan, all));
    remark_on_rest(context, now.catalog);
    if (now.plan.need_human > 0 || keys_differ(now.inputs)) context.exit_status = ExitStatus::Partly;
    return {};
}

std::atomic<bool> is_interrupted = false;

/// Ctrl-C ends an apply between two batches, so that nothing is left for the next run to find out.
class Interruptible {
public:
    Interruptible() {
        struct sigaction action {};
        action.sa_handler = [](int) { is_interrupted = true; };
        sigaction(SIGINT, &action, &before_interrupt_);
        sigaction(SIGTERM, &action, &before_end_);
    }
    ~Interruptible() {
        sigaction(SIGINT, &before_interrupt_, nullptr);
        sigaction(SIGTERM, &before_end_, nullptr);
    }
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

private:
    struct sigaction before_interrupt_ {};
    struct sigaction before_end_ {};
};

/// What must be so before anything is changed.
Result<void> may_apply(const MigrationInputs& inputs) {
    if (inputs.uses_conf_key_manager()) {
        return Error{
            Code::Refused,
            fmt::format("{} ([key_manager] backend is {}): set it to barbican, restart Cinder, and run this again",
                        messages::key_manager_still_in_use().text, inputs.backend),
            {}};
    }
    if (keys_differ(inputs)) {
        return Error{Code::Refused,
                     migration::description(inputs.comparison) + ": which one the volumes have must be known first",
                     {}};
    }
    if (!inputs.key) {
        return Error{Code::Refused,
                     fmt::format("{} (no file given has [key_manager] fixed_key): without it nothing can be stored",
                                 messages::fixed_key_not_in_use().text),
                     {}};
    }
    return {};
}

/// After an apply, on what it has left.
Result<migration::RekeyReport> rekey(CliContext& context, const MigrateOptions& options, Situation& now,
                                     migration::Journal& journal) {
    const auto ownership = options.owner == "tenant" ? KeyOwnership::Tenant : KeyOwnership::Service;
    AgentRotator rotator(TRY(AgentClient::from_config(context)).socket_path(), ownership, options.volume_paths);
    const migration::Catalog catalog = TRY(migration::read_catalog(*now.cinder));
    const migration::PlanFacts facts =
        TRY(migration::gather_facts(catalog, {.vault = now.vault.get(), .jobs = options.jobs}, {options.host}));
    const migration::Plan plan = migration::make_plan(catalog, facts, {options.host});
    return migration::rekey(plan, {*now.cinder, *now.vault, rotator, journal, system_clock()});
}

/// Only for the journal's default place: a folder that somebody names has to be there.
Result<void> make_state_folder(const MigrateOptions& options) {
    if (options.journal != DefaultJournal) return {};
    const std::string folder = options.journal.substr(0, options.journal.rfind('/'));
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return Error{
        Code::Io, fmt::format("cannot make '{}': {}; --journal takes another file", folder, std::strerror(errno)), {}};
}

Result<void> apply(CliContext& context, const MigrateOptions& options) {
    if (options.rekey && !options.target.empty()) {
        return wrong_usage(context, "--rekey makes keys in this node's agent: not with --target");
    }
    if (options.rekey && options.volume_paths.empty()) {
        return wrong_usage(context, "--rekey changes headers: say with --volume-path where the volumes are");
    }
    Situation now = TRY(look(context, options, AsksVault::Always));
    TRY(may_apply(now.inputs));
    TRY(make_state_folder(options));
    const auto journal = TRY(migration::Journal::open(options.journal));
    remark(context, messages::starting().text);

    migration::ApplyOptions how;
    how.jobs = options.jobs;
    how.may_go_on = [] { return !is_interrupted; };
    if (const auto bar = progress_bar(context)) {
        how.progress = [bar](long done, long total) {
            bar(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
        };
    }
    const Interruptible interruptible;
    const migration::ApplyTools tools{*now.cinder, *now.vault, *journal, now.probe.get(), system_clock()};
    const auto report = migration::apply(now.plan, now.inputs.key->bytes, tools, how);
    if (!report) {
        if (report.error().code == Code::Forbidden) remark(context, messages::row_failed(report.error().message).text);
        return report.error();
    }
    for (const auto& [row, why] : report->failed) {
        remark(context, fmt::format("{} ({})", messages::row_failed(why).text, row));
    }
    std::optional<migration::RekeyReport> rekeyed;
    if (options.rekey) rekeyed = TRY(rekey(context, options, now, *journal));
    TRY(print_report(context, *report, rekeyed ? &*rekeyed : nullptr));
    remark_on_rest(context, TRY(migration::read_catalog(*now.cinder)));
    if (now.plan.need_human > 0) {
        remark(context,
               fmt::format("{} objects need a human: sallyport migrate conf-key-manager plan", now.plan.need_human));
    }
    const bool all_rekeyed = !rekeyed || (rekeyed->failed.empty() && rekeyed->out_of_reach == 0);
    if (!report->failed.empty() || report->was_stopped || now.plan.need_human > 0 || !all_rekeyed) {
        context.exit_status = ExitStatus::Partly;
    }
    return {};
}

Result<void> verify(CliContext& context, const MigrateOptions& options) {
    const Situation now = TRY(look(context, options, AsksVault::Always));
    TRY(may_apply(now.inputs));
    const migration::VerifyReport report =
        TRY(migration::verify(now.plan, now.inputs.key->bytes, {*now.vault, now.probe.get(), options.jobs}));
    boost::json::array faults;
    for (const auto& fault : report.faults) faults.push_back({{"object", fault.row}, {"fault", fault.what}});
    const bool clean = report.faults.empty();
    TRY(print_record(context, {{"objects", now.plan.rows.size()},
                               {"done", now.plan.count(migration::State::Done)},
                               {"keys_compared", report.compared},
                               {"headers_opened", report.opened},
                               {"faults", std::move(faults)}}));
    remark_on_rest(context, now.catalog);
    if (!clean) context.exit_status = ExitStatus::Partly;
    return {};
}

Result<void> status(CliContext& context, const MigrateOptions& options, bool watch) {
    constexpr std::chrono::milliseconds Pause(500);
    migration::JournalSummary summary = TRY(migration::summarize_journal(options.journal));
    const auto bar = progress_bar(context);
    while (watch && summary.is_running) {
        if (bar)
            bar(static_cast<std::uint64_t>(summary.done + summary.failed), static_cast<std::uint64_t>(summary.total));
        std::this_thread::sleep_for(Pause);
        summary = TRY(migration::summarize_journal(options.journal));
    }
    TRY(print_status(context, options.journal, summary));
    if (summary.failed > 0) context.exit_status = ExitStatus::Partly;
    return {};
}

void add_plan(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<MigrateOptions>();
    const auto all = std::make_shared<bool>(false);
    CLI::App& verb =
        add_verb(noun, context,
                 {"plan", "How every volume, snapshot and backup stands, and what apply would do; changes nothing",
                  "sallyport migrate conf-key-manager plan --cinder-conf /etc/cinder/cinder.conf "
                  "--nova-conf /etc/nova/nova.conf"});
    add_inputs(verb, *options);
    add_scope(verb, *options);
    verb.add_flag("--offline", options->offline, "Do not ask the key manager about keys");
    verb.add_flag("--all", *all, "In tables: every object, not only those that need a human");
    set_action(verb, context, [options, all, &context] { return plan(context, *options, *all); });
}

void add_apply(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<MigrateOptions>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"apply",
                  "Store a key for every object with the all-zeros id and give it that id; can be "
                  "stopped anywhere and run again",
                  "sallyport migrate conf-key-manager apply --cinder-conf /etc/cinder/cinder.conf --jobs 16"});
    add_inputs(verb, *options);
    add_scope(verb, *options);
    add_owner(verb, *options);
    add_journal(verb, *options);
    verb.add_flag("--rekey", options->rekey,
                  "Then give each migrated volume under --volume-path a new key, so that fixed_key opens it no longer");
    verb.add_flag("--relink-lost", options->relink_lost,
                  "Also volumes whose key the key manager does not know, where their header (--volume-path) opens with "
                  "fixed_key");
    set_action(verb, context, [options, &context] { return apply(context, *options); });
}

void add_verify(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<MigrateOptions>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"verify", "Read every migrated key back as its owner and compare it; try it on the headers in reach",
                  "sallyport migrate conf-key-manager verify --cinder-conf /etc/cinder/cinder.conf"});
    add_inputs(verb, *options);
    add_scope(verb, *options);
    add_owner(verb, *options);
    set_action(verb, context, [options, &context] { return verify(context, *options); });
}

void add_status(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<MigrateOptions>();
    const auto watch = std::make_shared<bool>(false);
    CLI::App& verb = add_verb(
        noun, context,
        {"status", "How far the newest apply is (offline)", "sallyport migrate conf-key-manager status --watch"});
    add_journal(verb, *options);
    verb.add_flag("--watch", *watch, "Until it ends, with a bar");
    set_action(verb, context, [options, watch, &context] { return status(context, *options, *watch); });
}

}  // namespace

void add_migrate_commands(CLI::App& root, CliContext& context) {
    CLI::App& migrate = add_noun(root, "migrate", "From other key managers to this one");
    CLI::App& noun = add_noun(migrate, "conf-key-manager", "Off Cinder's ConfKeyManager and its all-zeros key id");
    add_plan(noun, context);
    add_apply(noun, context);
    add_verify(noun, context);
    add_status(noun, context);
    add_migrate_finish_commands(noun, context);
}

}  // namespace sallyport::cli
