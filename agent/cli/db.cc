#include "agent/cli/db.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/kek.h"
#include "agent/cli/output.h"
#include "agent/cli/secret_io.h"
#include "agent/config/config.h"
#include "keymanager/base/clock.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/key_manager.h"
#include "keymanager/db/backup.h"
#include "keymanager/db/clean.h"
#include "keymanager/db/database.h"
#include "keymanager/db/inspect.h"
#include "keymanager/db/kek_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"
#include "keymanager/store/kek_file.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport::cli {
namespace {

bool exists(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0;
}

/// Makes the KEK file that the configuration names if there is none yet. One that is there is never touched.
Result<bool> ensure_kek(const config::Config& config) {
    const std::string& path = config.secret_stores.front().kek_files.front().path;
    if (!store::is_kek_file(path) || exists(path)) return false;
    TRY(generate_kek(path));
    return true;
}

Result<std::unique_ptr<db::Database>> open_database(const config::Config& config) {
    db::DatabaseConfig settings;
    settings.url = config.database;
    settings.password_file = config.database_password_file.path;
    return db::make_database(settings);
}

Result<std::unique_ptr<store::SecretStore>> open_store(const config::Config& config) {
    const config::SecretStore& chosen = config.secret_stores.front();
    store::SimpleCryptoConfig settings;
    settings.name = chosen.name;
    settings.envelope = chosen.envelope;
    for (const config::SecretFile& file : chosen.kek_files) settings.kek_files.push_back(file.path);
    return store::make_simple_crypto(settings, system_clock());
}

Result<void> create(CliContext& context, bool wants_kek) {
    // First without the files: the KEK may be one of those that are still to be made.
    const config::Config named = TRY(config::load_without_files(context.config_file));
    const bool made_kek = wants_kek ? TRY(ensure_kek(named)) : false;
    const config::Config config = TRY(config::load(context.config_file));

    std::unique_ptr<db::Database> database = TRY(open_database(config));
    TRY(database->create_schema());

    // Opening plants the canary, so that a wrong KEK is found out before anything is stored under it; a database that
    // exists already is checked against this KEK.
    std::unique_ptr<store::SecretStore> store = TRY(open_store(config));
    core::AccessPolicy policy = TRY(core::AccessPolicy::load("", config.new_rbac_defaults));
    TRY(core::KeyManager::open(std::move(database), std::move(store), std::move(policy), system_clock(), {}));

    return print_record(context, {{"database", config.database},
                                  {"kek_file", config.secret_stores.front().kek_files.front().path},
                                  {"kek", made_kek ? "generated" : "already there"}});
}

/// Does the master key open every project's key?
struct KekCheck {
    long opened = 0;
    long foreign = 0;  ///< of another secret store
    std::vector<std::string> problems;
};

Result<KekCheck> check_keks(db::Database& database, store::SecretStore& store) {
    constexpr int page_rows = 500;
    constexpr std::size_t enough_problems = 5;
    KekCheck checked;
    KekId after("");
    while (checked.problems.size() < enough_problems) {
        const auto page = TRY(
            database.read([&after](db::Session& session) { return db::list_live_keks(session, after, page_rows); }));
        for (const model::KekMeta& kek : page) {
            after = kek.id;
            if (kek.plugin_name != store.info().crypto_plugin) {
                ++checked.foreign;
            } else if (const auto opened = store.check_kek(kek); opened) {
                ++checked.opened;
            } else if (checked.problems.size() < enough_problems) {
                checked.problems.push_back(
                    fmt::format("the key of project {} does not open: {}", kek.project.str(), opened.error().message));
            }
        }
        if (page.size() < page_rows) break;
    }
    return checked;
}

Result<void> check(CliContext& context) {
    const config::Config config = TRY(config::load(context.config_file));
    std::unique_ptr<db::Database> database = TRY(open_database(config));
    db::Inspection found = TRY(db::inspect(*database));
    KekCheck keks;
    if (found.problems.empty()) {
        const std::unique_ptr<store::SecretStore> store = TRY(open_store(config));
        keks = TRY(check_keks(*database, *store));
        found.problems.insert(found.problems.end(), keks.problems.begin(), keks.problems.end());
    }
    boost::json::array problems;
    for (const std::string& problem : found.problems) problems.emplace_back(problem);
    TRY(print_record(context, {{"database", config.database},
                               {"vendor", found.vendor},
                               {"alembic_revision", found.revision},
                               {"sp_revision", found.own_revision},
                               {"charset", found.charset},
                               {"durability", found.durability},
                               {"cluster", found.cluster},
                               {"projects", found.projects},
                               {"secrets", found.secrets},
                               {"deleted_secrets", found.deleted_secrets},
                               {"orders", found.orders},
                               {"containers", found.containers},
                               {"project_keys_opened", keks.opened},
                               {"project_keys_of_other_stores", keks.foreign},
                               {"usable", found.problems.empty()},
                               {"problems", problems}}));
    if (!found.problems.empty()) {
        return Error{
            Code::Refused, fmt::format("the database cannot be opened in place: {}", found.problems.front()), {}};
    }
    return {};
}

/// Whether the master keys can be copied into `folder`: asked before the backup is written.
Result<void> check_kek_folder(const config::Config& config, const std::string& folder, const std::string& backup) {
    std::error_code failed;
    const auto whole = [&failed](const std::string& path) { return std::filesystem::weakly_canonical(path, failed); };
    const std::string inside = whole(folder).string() + '/', outside = whole(backup).string() + '/';
    if (inside.starts_with(outside)) {
        return Error{Code::Refused,
                     "the master keys would lie beside what they open: give --kek-dir a folder outside of the backup",
                     {}};
    }
    for (const config::SecretStore& of : config.secret_stores) {
        for (const config::SecretFile& file : of.kek_files) {
            if (!store::is_kek_file(file.path)) {
                return Error{Code::Refused,
                             fmt::format("{} is handed over by the unit: copy it from where the unit has it, and leave "
                                         "--kek-dir out",
                                         file.path),
                             {}};
            }
        }
    }
    return {};
}

/// Copies each KEK file into a folder of their own, mode 0400.
Result<void> copy_keks(const config::Config& config, const std::string& folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
    for (const config::SecretStore& of : config.secret_stores) {
        for (const config::SecretFile& file : of.kek_files) {
            const std::string copy = folder + '/' + std::filesystem::path(file.path).filename().string();
            TRY(write_secret(TRY(read_secret_file(file.path)), copy, false));
            if (::chmod(copy.c_str(), S_IRUSR) != 0) return Error{Code::Io, copy + ": cannot set its mode to 0400", {}};
        }
    }
    return {};
}

Result<void> backup(CliContext& context, const std::string& folder, const std::string& kek_folder) {
    const config::Config config = TRY(config::load(context.config_file));
    if (!kek_folder.empty()) TRY(check_kek_folder(config, kek_folder, folder));
    std::unique_ptr<db::Database> database = TRY(open_database(config));
    const db::BackupReport report = TRY(db::write_backup(*database, folder, system_clock().now()));
    if (kek_folder.empty()) {
        remark(context,
               "The master keys are not in it, and it is worth nothing without them: keep copies of kek_files "
               "elsewhere (--kek-dir makes them).");
    } else {
        TRY(copy_keks(config, kek_folder));
    }
    return print_record(context, {{"backup", folder},
                                  {"alembic_revision", report.revision},
                                  {"tables", report.tables},
                                  {"rows", report.rows},
                                  {"secrets", report.secrets},
                                  {"kek_dir", kek_folder}});
}

Result<void> restore(CliContext& context, const std::string& folder) {
    const config::Config config = TRY(config::load(context.config_file));
    std::unique_ptr<db::Database> database = TRY(open_database(config));
    const db::BackupReport report = TRY(db::restore_backup(*database, folder));
    const std::unique_ptr<store::SecretStore> store = TRY(open_store(config));
    const KekCheck keks = TRY(check_keks(*database, *store));
    TRY(print_record(context, {{"backup", folder},
                               {"tables", report.tables},
                               {"rows", report.rows},
                               {"secrets", report.secrets},
                               {"project_keys_opened", keks.opened}}));
    if (!keks.problems.empty()) {
        return Error{
            Code::WrongKey,
            fmt::format("the rows are restored, but kek_files do not belong to them: {}", keks.problems.front()),
            {}};
    }
    return {};
}

Result<void> clean(CliContext& context, int min_days, bool unassociated_projects) {
    const config::Config config = TRY(config::load(context.config_file));
    std::unique_ptr<db::Database> database = TRY(open_database(config));
    TRY(database->create_schema());
    const db::Cleaned cleaned =
        TRY(db::clean(*database, {system_clock().now() - std::chrono::hours(24) * min_days, unassociated_projects}));
    return print_record(context, {{"secrets", cleaned.secrets},
                                  {"orders", cleaned.orders},
                                  {"containers", cleaned.containers},
                                  {"parts", cleaned.parts},
                                  {"projects", cleaned.projects}});
}

void add_check(CLI::App& noun, CliContext& context) {
    CLI::App& verb = add_verb(noun, context,
                              {"check", "Can this Barbican database be opened in place? Changes nothing (offline)",
                               "sallyport db check -f json"});
    set_action(verb, context, [&context] { return check(context); });
}

void add_backup(CLI::App& noun, CliContext& context) {
    const auto folder = std::make_shared<std::string>(), kek_folder = std::make_shared<std::string>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"backup", "Write the database as of one moment into a new folder, with checksums (offline)",
                  "sallyport db backup /backup/2026-11-22 --kek-dir /media/safe/keks"});
    verb.add_option("DIR", *folder, "A folder that is not there yet, or empty")->required();
    verb.add_option("--kek-dir", *kek_folder, "Copy the master keys into this folder, which is kept elsewhere");
    set_action(verb, context, [folder, kek_folder, &context] { return backup(context, *folder, *kek_folder); });
}

void add_restore(CLI::App& noun, CliContext& context) {
    const auto folder = std::make_shared<std::string>();
    CLI::App& verb = add_verb(noun, context,
                              {"restore", "Fill an empty database from a backup; any vendor's into any (offline)",
                               "sallyport db restore /backup/2026-11-22"});
    verb.add_option("DIR", *folder, "What `db backup` has written")->required();
    set_action(verb, context, [folder, &context] { return restore(context, *folder); });
}

void add_clean(CLI::App& noun, CliContext& context) {
    constexpr int usual_days = 90;
    const auto days = std::make_shared<int>(usual_days);
    const auto projects = std::make_shared<bool>(false);
    CLI::App& verb =
        add_verb(noun, context,
                 {"clean", "Remove for good what was deleted, as `barbican-manage db clean` does (offline)",
                  "sallyport db clean --min-days 30"});
    verb.add_option("--min-days", *days, "Only what was deleted at least so many days ago")
        ->check(CLI::Range(0, 36500))
        ->capture_default_str();
    verb.add_flag("--clean-unassociated-projects", *projects,
                  "Remove projects that nothing refers to, with their keys");
    set_action(verb, context, [days, projects, &context] { return clean(context, *days, *projects); });
}

}  // namespace

void add_db_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "db", "The key manager's database");
    const auto wants_kek = std::make_shared<bool>(false);
    CLI::App& verb = add_verb(noun, context,
                              {"create", "Make the tables of an empty database (offline); one that has them is checked",
                               "sallyport db create --generate-kek"});
    verb.add_flag("--generate-kek", *wants_kek,
                  "Make the first of kek_files, mode 0400, if it is not there; keep a copy of it");
    set_action(verb, context, [wants_kek, &context] { return create(context, *wants_kek); });
    add_check(noun, context);
    add_backup(noun, context);
    add_restore(noun, context);
    add_clean(noun, context);
}

}  // namespace sallyport::cli
