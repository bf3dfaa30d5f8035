#include "agent/cli/cli.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "agent/cli/acl.h"
#include "agent/cli/audit.h"
#include "agent/cli/command.h"
#include "agent/cli/completion.h"
#include "agent/cli/config_commands.h"
#include "agent/cli/container.h"
#include "agent/cli/db.h"
#include "agent/cli/doctor.h"
#include "agent/cli/image.h"
#include "agent/cli/kek.h"
#include "agent/cli/libvirt.h"
#include "agent/cli/migrate.h"
#include "agent/cli/object.h"
#include "agent/cli/order.h"
#include "agent/cli/policy.h"
#include "agent/cli/project.h"
#include "agent/cli/quota.h"
#include "agent/cli/secret.h"
#include "agent/cli/serve.h"
#include "agent/cli/status.h"
#include "agent/cli/version.h"
#include "agent/cli/volume.h"
#include "keymanager/base/log.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::cli {
namespace {

// Room for the largest secret file in a few shapes (raw, base64, JSON), and within the 8 MiB that Debian lets an
// ordinary user lock.
constexpr std::size_t ArenaBytes = 4 * 1024 * 1024;

/// One line a noun: its header above, its call here.
void add_commands(CLI::App& root, CliContext& context) {
    add_secret_commands(root, context);
    add_order_commands(root, context);
    add_container_commands(root, context);
    add_acl_commands(root, context);
    add_quota_commands(root, context);
    add_project_commands(root, context);
    add_policy_commands(root, context);
    add_db_commands(root, context);
    add_audit_commands(root, context);
    add_kek_commands(root, context);
    add_status_command(root, context);
    add_doctor_command(root, context);
    add_serve_command(root, context);
    add_version_command(root, context);
    add_config_commands(root, context);
    add_libvirt_commands(root, context);
    add_volume_commands(root, context);
    add_object_commands(root, context);
    add_image_commands(root, context);
    add_migrate_commands(root, context);
    add_completion_command(root, context);
}

int fail(const CliContext& context, const Error& error) {
    std::cerr << "sallyport: " << error.message << '\n';
    if (context.verbose && !error.detail.empty()) std::cerr << "  (" << error.detail << ")\n";
    const ExitStatus status = context.exit_status == ExitStatus::Done ? ExitStatus::Failed : context.exit_status;
    return static_cast<int>(status);
}

/// What is wrong with a command line, in one line. CLI11 only says that a subcommand is missing where one is unknown.
std::string complaint(CLI::App& root, const CLI::ParseError& error) {
    CLI::App* level = &root;
    std::string path = root.get_name();
    while (!level->get_subcommands().empty()) {
        level = level->get_subcommands().front();
        path += " " + level->get_name();
    }
    const std::vector<std::string> unknown = root.remaining(true);
    if (level->get_subcommands(nullptr).empty() || unknown.empty()) return error.what();
    return "no command '" + unknown.front() + "' under '" + path + "'";
}

/// CLI11 reports --help and wrong usage as exceptions; this is the one place that meets them.
bool parse(CLI::App& root, int argc, char** argv, int& status) {
    try {
        root.parse(argc, argv);
        return true;
    } catch (const CLI::ParseError& e) {
        const bool help = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
        if (help) {
            root.exit(e);
        } else {
            std::cerr << "sallyport: " << complaint(root, e) << " (--help tells more)\n";
        }
        status = static_cast<int>(help ? ExitStatus::Done : ExitStatus::WrongUsage);
        return false;
    }
}

Result<void> run(CliContext& context) {
    if (!context.opens_arena_itself) {
        // An operator reads one line; what a library has to say besides is for --verbose.
        open_log(context.verbose ? LogLevel::Warning : LogLevel::Error, LogFormat::Text);
        TRY(open_secure_arena(
            {.bytes = ArenaBytes, .insecure_allow_unlocked_memory = context.insecure_allow_unlocked_memory}));
    }
    TRY(context.action());
    std::cout.flush();
    if (!std::cout) return Error{Code::Io, "cannot write to standard output", {}};
    return {};
}

}  // namespace

int run_cli(int argc, char** argv) {
    CliContext context;
    CLI::App root("Keys for the disks, guests and objects of this node.", "sallyport");
    root.set_help_flag("-h,--help", "This text");
    root.require_subcommand(1);
    root.footer("Example:\n  sallyport serve --config /etc/sallyport/agent.yaml");
    add_commands(root, context);

    int status = 0;
    if (!parse(root, argc, argv, status)) return status;
    if (const Result<void> done = run(context); !done) return fail(context, done.error());
    return static_cast<int>(context.exit_status);
}

}  // namespace sallyport::cli
