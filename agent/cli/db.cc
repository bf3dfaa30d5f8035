#include "agent/cli/db.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>

#include "agent/cli/output.h"
#include "agent/cli/secret_io.h"
#include "agent/config/config.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/codec.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/key_manager.h"
#include "keymanager/crypto/random.h"
#include "keymanager/db/database.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport::cli {
namespace {

/// Barbican's form of a master key: 32 random bytes as 44 characters of urlsafe base64.
Result<void> generate_kek(const std::string& path) {
    constexpr std::size_t kek_bytes = 32;
    const SecureBytes bytes = TRY(crypto::random_secret(kek_bytes));
    const SecureBytes text = TRY(to_base64_secure(bytes, Base64Alphabet::UrlSafe));
    TRY(write_secret(text, path, false));
    if (::chmod(path.c_str(), S_IRUSR) != 0)
        return Error{Code::Io, fmt::format("{}: cannot set its mode to 0400", path), {}};
    return {};
}

bool exists(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0;
}

/// Makes the KEK file that the configuration names if there is none yet. One that is there is never touched.
Result<bool> ensure_kek(const config::Config& config) {
    const std::string& path = config.secret_stores.front().kek_files.front().path;
    if (exists(path)) return false;
    TRY(generate_kek(path));
    return true;
}

Result<void> create(CliContext& context, bool wants_kek) {
    // First without the files: the KEK may be one of those that are still to be made.
    const config::Config named = TRY(config::load_without_files(context.config_file));
    const bool made_kek = wants_kek ? TRY(ensure_kek(named)) : false;
    const config::Config config = TRY(config::load(context.config_file));

    db::DatabaseConfig database_config;
    database_config.url = config.database;
    database_config.password_file = config.database_password_file.path;
    std::unique_ptr<db::Database> database = TRY(db::make_database(database_config));
    TRY(database->create_schema());

    // Opening plants the canary, so that a wrong KEK is found out before anything is stored under it; a database that
    // exists already is checked against this KEK.
    const config::SecretStore& chosen = config.secret_stores.front();
    store::SimpleCryptoConfig store_config;
    store_config.name = chosen.name;
    store_config.envelope = chosen.envelope;
    for (const config::SecretFile& file : chosen.kek_files) store_config.kek_files.push_back(file.path);
    std::unique_ptr<store::SecretStore> store = TRY(store::make_simple_crypto(store_config, system_clock()));
    core::AccessPolicy policy = TRY(core::AccessPolicy::load("", config.new_rbac_defaults));
    TRY(core::KeyManager::open(std::move(database), std::move(store), std::move(policy), system_clock(), {}));

    return print_record(context, {{"database", config.database},
                                  {"kek_file", chosen.kek_files.front().path},
                                  {"kek", made_kek ? "generated" : "already there"}});
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
}

}  // namespace sallyport::cli
