#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/log.h"
#include "keymanager/base/result.h"
#include "keymanager/core/limits.h"
#include "keymanager/store/simple_crypto.h"

/// The agent's configuration as values. The member initialisers here are the defaults; names, ranges and texts stand
/// beside them in options.cc, and from those two come the loader, etc/agent_full.yaml and docs/configuration.md.
namespace sallyport::config {

/// What this process does; the sections of the others are then of no account.
enum class Role { KeyManager, Objects, Volumes, Hypervisor };

/// "127.0.0.1:9311", "[::1]:9311", "*:9311" (all addresses). Port 0 lets the kernel choose.
struct TcpAddress {
    std::string host;
    std::uint16_t port = 0;

    bool is_loopback() const;  ///< 127.0.0.0/8, ::1 or localhost
    std::string text() const;
    friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};

/// The path of a file that holds a secret. The loader checks that it exists, is a regular file, belongs to this user or
/// root, and is closed to group and others; whoever uses it reads it.
struct SecretFile {
    std::string path;
    bool empty() const { return path.empty(); }
};

struct Tls {
    std::string certificate;  ///< PEM, with the chain
    SecretFile key;           ///< PEM
    std::string client_ca;    ///< PEM; given: clients must show a certificate that it signed
};

/// One door of the REST API: exactly one of tcp and unix_path.
struct Listener {
    std::optional<TcpAddress> tcp;
    std::string unix_path;
    ::mode_t mode = 0660;  ///< of the socket file
    std::optional<Tls> tls;
};

enum class SecretStoreType { SimpleCrypto };
struct SecretStore {
    std::string name = "Software";
    SecretStoreType type = SecretStoreType::SimpleCrypto;
    std::vector<SecretFile> kek_files;
    store::Envelope envelope = store::Envelope::Bound;
    bool global_default = true;
};

struct TokenCache {
    std::int64_t entries = 10000;
    std::int64_t seconds = 60;           ///< a good token is believed for this long without asking again
    std::int64_t negative_seconds = 10;  ///< a refused one is refused for this long without asking
};

struct Keystone {
    std::string url;                   ///< "http://127.0.0.1:5000/v3"
    std::string www_authenticate_uri;  ///< what a 401 tells clients; empty: url without its version
    std::string ca_file;               ///< PEM, for https; empty: the system's
    std::string username;
    std::string user_domain = "Default";
    SecretFile password_file;
    std::string project = "service";
    std::string project_domain = "Default";
    std::int64_t timeout_seconds = 10;
    std::vector<std::string> service_token_roles{
        "service"};  ///< whose X-Service-Token lets a caller's token be expired
    TokenCache token_cache;
};

/// A caller on the UNIX socket, by the credentials that the kernel vouches for: exactly one of the first four.
struct Peer {
    std::optional<std::int64_t> uid;
    std::string user;
    std::optional<std::int64_t> gid;  ///< also as a supplementary group
    std::string group;
    std::string project;
    std::vector<std::string> roles;
};

struct Auth {
    std::optional<Keystone> keystone;
    std::vector<Peer> peers;  ///< the first that fits counts
    bool insecure_no_auth = false;
};

/// What a project may have, unless more or less was set for it; -1: any number.
struct Quotas {
    std::int64_t secrets = -1;
    std::int64_t orders = -1;
    std::int64_t containers = -1;
    std::int64_t consumers = -1;
    std::int64_t cas = -1;
};

struct Limits {
    std::int64_t secret_bytes = 20000;
    std::int64_t request_bytes = 25000;
    Quotas quotas;
};

/// When what ends, and for how long it can be taken back.
struct LifeCycle {
    core::DeleteWithConsumers delete_with_consumers = core::DeleteWithConsumers::Allow;
    std::int64_t undelete_days = 7;
    std::int64_t finished_order_days = 0;
    bool sweep_expired = false;
    std::int64_t sweep_minutes = 60;
};

enum class UpstreamType { Directory, Swift };
struct Upstream {
    UpstreamType type = UpstreamType::Directory;
    std::string path;                   ///< directory: the folder that holds the objects
    std::string url;                    ///< swift: the proxy with the shim
    SecretFile secret_file;             ///< swift: what the shim knows the door by
    std::string ca_file;                ///< swift: authorities that may vouch for it; empty: the system's
    std::int64_t timeout_seconds = 60;  ///< swift: for each read and write
};

/// The object proxy filter. Absent: no filter runs.
struct Objects {
    TcpAddress listen{"127.0.0.1", 8090};
    std::optional<Tls> tls;
    Upstream upstream;
    std::string project = "node";                     ///< that owns the root secrets; they are read as its observer
    std::map<std::string, std::string> root_secrets;  ///< Swift's root secret id ("" is the one without) -> secret id
    std::string active_root_secret;                   ///< a key of root_secrets: new objects are encrypted under it
    std::int64_t meta_version = 2;
    bool disable_encryption = false;  ///< new objects are stored in clear; what is encrypted is still decrypted
    bool verify_reads = false;        ///< a whole object that was read is compared with its ETag
};

/// Where Glance's notifications are.
struct Notifications {
    SecretFile url_file;  ///< one line a broker; empty: none is asked, and looking has to do
    std::string ca_file;
    std::string exchange = "glance";
    std::string topic = "notifications";
    std::string queue = "sallyport.image-keys";
    bool durable_exchange = false;
};

/// The keys of images. Absent: they are left to Glance.
struct Images {
    std::string glance_url;
    std::string ca_file;
    std::int64_t timeout_seconds = 30;
    std::string admin_role = "admin";         ///< without it Glance would hide images from the account
    std::vector<std::string> roles{"admin"};  ///< as what keys are deleted, in each image's project
    bool register_consumers = false;
    std::int64_t retry_seconds = 10;
    std::int64_t longest_retry_seconds = 3600;
    std::int64_t look_seconds = 600;
    Notifications notifications;
};

enum class UnlockProfile { RandomKey, Passphrase };
struct Volumes {
    UnlockProfile unlock_profile = UnlockProfile::RandomKey;          ///< of `volume format` where it does not say
    std::string attachments = "/var/lib/sallyport-node/attachments";  ///< folder of what undoes an attach
    bool escrow_headers = true;                                       ///< the key manager keeps copies of headers
    std::string erasures = "/var/lib/sallyport-node/erasures";        ///< folder of the certificates of `volume erase`
};

struct Hypervisor {
    std::string uri = "qemu:///system";
    bool watch = true;
    std::string project = "node";                ///< as whose ...
    std::vector<std::string> roles{"observer"};  ///< ... the watcher reads keys
    std::int64_t pending_seconds = 300;
    std::int64_t queue_seconds = 10;
    std::int64_t look_seconds = 60;
    std::string secrets_folder = "/etc/libvirt/secrets";
};

struct SecureMemory {
    std::int64_t bytes = 16777216;
    bool insecure_allow_unlocked_memory = false;
};

enum class WhenUnwritable { Refuse, Warn };
/// The audit log. Absent: nothing is audited.
struct Audit {
    std::string file;
    SecretFile key_file;  ///< empty: the chain has no key
    WhenUnwritable when_unwritable = WhenUnwritable::Refuse;
    std::int64_t sync_milliseconds = 1000;
};

struct Metrics {
    std::optional<TcpAddress> listen;
};

struct Log {
    LogLevel level = LogLevel::Info;
    LogFormat format = LogFormat::Text;
};

/// A bounded pool of threads for blocking work. A full queue answers 503.
struct Lane {
    std::int64_t threads = 1;
    std::int64_t queue = 64;
};
struct Lanes {
    Lane keys{32, 1024};  ///< writers that wait for the disk together share one flush
    Lane volumes{1, 16};
    Lane hypervisor{1, 64};
};

/// The HTTP servers, and what a client can make them hold.
struct Server {
    std::int64_t threads = 0;  ///< event loops; 0: one a processor
    std::int64_t connections = 1024;
    std::int64_t header_seconds = 10;
    std::int64_t body_seconds = 30;
    std::int64_t write_seconds = 30;
    std::int64_t idle_seconds = 60;
    std::int64_t stop_seconds = 20;  ///< how long a graceful stop waits for running requests
    std::string healthcheck_disable_file = "/etc/sallyport/healthcheck_disable";
};

struct Config {
    std::vector<Role> roles{Role::KeyManager, Role::Objects, Role::Volumes, Role::Hypervisor};
    std::vector<Listener> listen;
    std::string host_href;  ///< what refs begin with; empty: taken from the request
    std::string database;
    SecretFile database_password_file;
    std::int64_t database_sessions = 4;
    std::vector<SecretStore> secret_stores;
    Auth auth;
    std::string policy_file;  ///< empty: Barbican's defaults alone
    bool new_rbac_defaults = false;
    Limits limits;
    LifeCycle life_cycle;
    std::optional<Objects> objects;
    std::optional<Images> images;
    Volumes volumes;
    Hypervisor hypervisor;
    Server server;
    Lanes lanes;
    SecureMemory secure_memory;
    std::optional<Audit> audit;
    Metrics metrics;
    Log log;

    /// The first UNIX socket of `listen`: where local tools call. nullptr if there is none.
    const Listener* unix_listener() const;
    bool has_role(Role role) const;
};

/// One thing wrong with a configuration file.
struct Problem {
    std::string file;
    int line = 0;  ///< 1 is the first; 0: the file as a whole
    std::string message;

    std::string text()
        const;  ///< "agent.yaml:12: limits.secret_bytes: expected an integer from 1 to 1048576, found \"big\""
};

/// What reading a file gave: a configuration if there are no problems, and what a careful operator should know.
struct Checked {
    Config config;
    std::vector<Problem> problems;
    std::vector<Problem> warnings;  ///< options that weaken security, for instance
};

/// Reads and checks a file and every file that it names. Never fails otherwise than by `problems`.
Checked check_file(const std::string& path);
/// The same for text (files that it names are checked too); `name` is what messages call it.
Checked check_text(std::string_view yaml, const std::string& name);

/// For a program that only wants a good configuration; warnings go to the log.
/// Error: `InvalidInput` with the first problem and how many more there are.
Result<Config> load(const std::string& path);

/// Where a running agent is to be found, and nothing more: command-line tools need no right to read key files for it.
/// Keys are checked for names and types; files that are named are not opened.
Result<Config> load_without_files(const std::string& path);

/// Every option with its default, as etc/agent_full.yaml has it; and docs/configuration.md.
std::string full_yaml();
std::string reference_markdown();

}  // namespace sallyport::config
