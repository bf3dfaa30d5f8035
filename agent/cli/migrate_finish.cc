#include "agent/cli/migrate_finish.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "agent/cli/migrate_situation.h"
#include "agent/cli/output.h"
#include "keymanager/base/clock.h"
#include "migration/cleanup.h"
#include "migration/report.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct ReportOptions {
    MigrateOptions inputs;
    bool residual = false;
    std::string html;
};

/// A new file, for whoever may read the folder: a report holds no secrets, but names of people.
Result<void> write_page(const std::string& path, std::string_view page) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0) {
        return Error{errno == EEXIST ? Code::Conflict : Code::Io,
                     fmt::format("cannot make '{}': {}", path, std::strerror(errno)),
                     {}};
    }
    bool written = true;
    while (written && !page.empty()) {
        const ssize_t count = ::write(file, page.data(), page.size());
        written = count > 0;
        if (written) page.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::close(file) == 0 && written) return {};
    ::unlink(path.c_str());
    return Error{Code::Io, fmt::format("cannot write '{}': {}", path, std::strerror(errno)), {}};
}

Result<void> report(CliContext& context, const ReportOptions& options) {
    const Situation now = TRY(look(context, options.inputs, AsksVault::IfItCan));
    const migration::Report made = migration::make_report(
        now.catalog, now.plan, now.facts, {system_clock().now(), now.inputs.database.url, options.residual});
    if (!options.html.empty()) TRY(write_page(options.html, migration::to_html(made)));
    // Markdown is what a ticket takes; programs ask for JSON.
    if (context.format == OutputFormat::Json) {
        std::cout << migration::to_json(made) << '\n';
    } else if (options.html.empty() || context.format != OutputFormat::Automatic) {
        std::cout << migration::to_markdown(made);
    }
    if (!made.needs_human.empty()) context.exit_status = ExitStatus::Partly;
    return {};
}

std::vector<migration::CleanupTarget> targets_of(const MigrateOptions& options) {
    std::vector<migration::CleanupTarget> targets;
    for (const std::string& path : options.cinder_conf) targets.push_back({path, migration::ConfigOwner::Cinder});
    for (const std::string& path : options.nova_conf) targets.push_back({path, migration::ConfigOwner::Nova});
    return targets;
}

/// No row may have the all-zeros id any more: fixed_key is its only key.
Result<void> nothing_is_left(const migration::Plan& plan) {
    long left = 0;
    for (const migration::State state :
         {migration::State::Old, migration::State::Stored, migration::State::Half, migration::State::NeverUsed,
          migration::State::Foreign, migration::State::Suspect}) {
        left += plan.count(state);
    }
    if (left == 0) return {};
    return Error{
        Code::Refused,
        fmt::format("{} objects still have the all-zeros key id, for which fixed_key is the only key: sallyport "
                    "migrate conf-key-manager plan names them",
                    left),
        {}};
}

json::array to_json(const std::vector<migration::CleanupFile>& files) {
    json::array listed;
    for (const migration::CleanupFile& file : files) {
        json::array lines, left;
        for (const auto& gone : file.removed) lines.push_back({{"first", gone.first}, {"last", gone.last}});
        for (const std::size_t line : file.still_there) left.emplace_back(line);
        listed.push_back({{"file", file.path},
                          {"removed_lines", std::move(lines)},
                          {"backup", file.backup.empty() ? json::value(nullptr) : json::value(file.backup)},
                          {"digits_still_in_lines", std::move(left)}});
    }
    return listed;
}

json::array to_json(const std::vector<migration::Restart>& restarts) {
    json::array listed;
    for (const migration::Restart& restart : restarts) {
        listed.push_back({{"service", restart.service}, {"files", json::value_from(restart.files)}});
    }
    return listed;
}

Result<void> cleanup(CliContext& context, const MigrateOptions& options, bool dry_run) {
    const std::vector<migration::CleanupTarget> targets = targets_of(options);
    if (targets.empty()) return wrong_usage(context, "name the files: --cinder-conf FILE, --nova-conf FILE");
    const Situation now = TRY(look(context, options, AsksVault::IfItCan));
    TRY(nothing_is_left(now.plan));
    migration::Cleanup files = TRY(migration::Cleanup::prepare(targets));
    const Result<void> done = dry_run ? Result<void>() : files.run(system_clock().now());
    TRY(print_record(context, {{"files", to_json(files.files())}, {"restart", to_json(files.restarts())}}));
    if (!done) return done;
    for (const migration::CleanupFile& file : files.files()) {
        if (file.still_there.empty()) continue;
        remark(context,
               fmt::format("{}: the key's digits still stand in line {}", file.path, file.still_there.front()));
        context.exit_status = ExitStatus::Partly;
    }
    if (const long lost = now.plan.count(migration::State::Lost); lost > 0) {
        remark(context,
               fmt::format("{} objects have a key that the key manager does not know: should fixed_key be theirs, "
                           "the backups have it",
                           lost));
    }
    remark(context, dry_run ? "nothing was changed"
                            : "restart the services on every node; the backups hold the key: lock them away");
    return {};
}

}  // namespace

void add_migrate_finish_commands(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<ReportOptions>();
    CLI::App& report_verb =
        add_verb(noun, context,
                 {"report", "How everything stands, and what a human must look at, as Markdown, JSON or a page",
                  "sallyport migrate conf-key-manager report --residual --html migration.html "
                  "--cinder-conf /etc/cinder/cinder.conf"});
    add_inputs(report_verb, options->inputs);
    add_scope(report_verb, options->inputs);
    report_verb.add_flag("--residual", options->residual, "Also what a migration leaves behind or cannot see");
    report_verb.add_option("--html", options->html, "One page with a picture, in a new file")->type_name("FILE");
    set_action(report_verb, context, [options, &context] { return report(context, *options); });

    const auto inputs = std::make_shared<MigrateOptions>();
    const auto dry_run = std::make_shared<bool>(false);
    CLI::App& cleanup_verb =
        add_verb(noun, context,
                 {"cleanup", "When nothing needs fixed_key any more: take it out of these files, each with a backup",
                  "sallyport migrate conf-key-manager cleanup --cinder-conf /etc/cinder/cinder.conf "
                  "--nova-conf /etc/nova/nova.conf"});
    add_inputs(cleanup_verb, *inputs);
    cleanup_verb.add_flag("--dry-run", *dry_run, "Only say what would go");
    set_action(cleanup_verb, context, [inputs, dry_run, &context] { return cleanup(context, *inputs, *dry_run); });
}

}  // namespace sallyport::cli
