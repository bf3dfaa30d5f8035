#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/agent_vault.h"
#include "agent/cli/command.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/db/database.h"
#include "migration/fixed_key.h"
#include "migration/key_vault.h"

namespace sallyport::cli {

/// In the agent's state folder, which is made where there is no agent (a remote target).
inline constexpr const char* DefaultJournal = "/var/lib/sallyport/conf-key-manager.journal";

/// What all verbs of `migrate conf-key-manager` are told.
struct MigrateOptions {
    std::vector<std::string> cinder_conf;
    std::vector<std::string> nova_conf;
    std::string database;                   ///< empty: that of cinder.conf
    std::string database_password_file;     ///< for --database
    std::string host;                       ///< of plan and apply; empty: all
    std::vector<std::string> volume_paths;  ///< "/dev/cinder-volumes/volume-{id}"
    std::string journal{DefaultJournal};
    std::string owner = "tenant";  ///< or "service"
    int jobs = 16;
    bool relink_lost = false;
    bool rekey = false;
    std::string target;    ///< a Barbican elsewhere; empty: this node's agent
    bool offline = false;  ///< the key manager is not asked
};

/// What the configuration files say.
struct MigrationInputs {
    std::optional<migration::FixedKey> key{};    ///< Cinder's
    bool was_configured = false;                 ///< there is a cinder.conf
    migration::FixedKeyComparison comparison{};  ///< of all files
    std::string backend{};                       ///< [key_manager] backend of Cinder, "barbican" if it is unset
    db::DatabaseConfig database{};

    /// The last dotted part of `backend` is ConfKeyManager's.
    bool uses_conf_key_manager() const { return backend.substr(backend.rfind('.') + 1) == "ConfKeyManager"; }
};

/// Reads the files. Error: a file that cannot be read or parsed, a fixed_key that is none, no database named anywhere.
Result<MigrationInputs> read_migration_inputs(const MigrateOptions& options);

/// Cinder's database; nothing is changed by opening it.
Result<std::unique_ptr<db::Database>> open_cinder(const MigrationInputs& inputs, int sessions);

/// Where keys go. Error: of the agent's configuration, which names its socket.
Result<std::unique_ptr<migration::KeyVault>> open_vault(const CliContext& context, const MigrateOptions& options);

/// A database URL in two: without its password, and the password, decoded. Error: `InvalidInput`.
struct SplitUrl {
    std::string url;
    std::shared_ptr<const SecureBytes> secret_part;  ///< nullptr: there is none
};
Result<SplitUrl> split_password(const SecureBytes& url);

}  // namespace sallyport::cli
