#include "agent/cli/migrate_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/migrate/barbican_vault.h"
#include "keymanager/base/bytes.h"
#include "migration/oslo_config.h"

namespace sallyport::cli {
namespace {

using migration::OsloConfig;

constexpr std::string_view DefaultBackend = "barbican";  // castellan's

/// "%40" and the like, in place.
Result<SecureBytes> percent_decoded(std::span<const std::byte> text) {
    SecureBytes decoded = TRY(SecureBytes::of_size(text.size()));
    std::size_t size = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::byte value = text[i];
        if (value == std::byte{'%'}) {
            unsigned char number = 0;
            const auto digits = text_of(text.subspan(i + 1));
            if (digits.size() < 2 ||
                std::from_chars(digits.data(), digits.data() + 2, number, 16).ptr != digits.data() + 2) {
                return Error{
                    Code::InvalidInput, "the password in [database] connection has a '%' without two digits", {}};
            }
            value = std::byte{number};
            i += 2;
        }
        decoded.writable()[size++] = value;
    }
    decoded.truncate(size);
    return decoded;
}

Result<db::DatabaseConfig> database_of(const MigrateOptions& options, const std::optional<OsloConfig>& cinder) {
    db::DatabaseConfig database;
    database.foreign = true;
    if (!options.database.empty()) {
        database.url = options.database;
        database.password_file = options.database_password_file;
        return database;
    }
    auto connection = cinder ? TRY(cinder->secret("database", "connection")) : std::nullopt;
    if (!connection || connection->empty()) {
        return Error{
            Code::InvalidInput,
            "no database is named: give --cinder-conf with a file that has [database] connection, or --database "
            "sqlite:////path, mysql+pymysql://user@host/cinder or postgresql://user@host/cinder",
            {}};
    }
    SplitUrl split = TRY(split_password(*connection));
    database.url = std::move(split.url);
    database.known_password = std::move(split.secret_part);
    return database;
}

}  // namespace

Result<SplitUrl> split_password(const SecureBytes& url) {
    const auto bytes = url.reveal();
    const std::string_view text = text_of(bytes);
    const auto scheme_end = text.find("://");
    SplitUrl split;
    if (scheme_end == std::string_view::npos || text.starts_with("sqlite")) {
        split.url = text;
        return split;
    }
    const auto begin = scheme_end + 3;
    const auto at = text.substr(0, text.find('/', begin)).rfind('@');
    const auto colon = text.find(':', begin);
    if (at == std::string_view::npos || at < begin || colon == std::string_view::npos || colon > at) {
        split.url = text;
        return split;
    }
    split.url = std::string(text.substr(0, colon)) + std::string(text.substr(at));
    split.secret_part =
        std::make_shared<const SecureBytes>(TRY(percent_decoded(bytes.subspan(colon + 1, at - colon - 1))));
    return split;
}

Result<MigrationInputs> read_migration_inputs(const MigrateOptions& options) {
    MigrationInputs inputs;
    std::optional<OsloConfig> cinder;
    if (!options.cinder_conf.empty()) cinder = TRY(OsloConfig::read(options.cinder_conf));
    inputs.database = TRY(database_of(options, cinder));
    inputs.backend = DefaultBackend;
    inputs.was_configured = cinder.has_value();
    if (cinder) {
        inputs.key = TRY(migration::read_fixed_key(*cinder));
        auto backend = TRY(cinder->text("key_manager", "backend"));
        if (backend && !backend->empty()) inputs.backend = *std::move(backend);
    }

    // Each file by itself: they may be of different nodes.
    std::vector<std::pair<std::string, OsloConfig>> files;
    for (const auto* paths : {&options.cinder_conf, &options.nova_conf}) {
        for (const std::string& path : *paths) files.emplace_back(path, TRY(OsloConfig::read(path)));
    }
    std::vector<migration::NamedConfig> named;
    for (const auto& [path, config] : files) named.push_back({path, config});
    inputs.comparison = TRY(migration::compare_fixed_keys(named));
    return inputs;
}

Result<std::unique_ptr<db::Database>> open_cinder(const MigrationInputs& inputs, int sessions) {
    db::DatabaseConfig config = inputs.database;
    config.sessions = sessions;
    auto opened = db::make_database(config);
    if (opened) return opened;
    Error error = opened.error();
    error.message = "the Cinder database: " + error.message;
    return error;
}

Result<std::unique_ptr<migration::KeyVault>> open_vault(const CliContext& context, const MigrateOptions& options) {
    if (!options.target.empty()) {
        const OsloConfig cinder = TRY(OsloConfig::read(options.cinder_conf));
        return migrate::BarbicanVault::make(options.target, cinder, {.jobs = options.jobs});
    }
    const AgentClient agent = TRY(AgentClient::from_config(context));
    const auto ownership = options.owner == "tenant" ? KeyOwnership::Tenant : KeyOwnership::Service;
    std::unique_ptr<migration::KeyVault> vault = std::make_unique<AgentVault>(agent.socket_path(), ownership);
    return vault;
}

}  // namespace sallyport::cli
