#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <limits>

#include "agent/config/schema.h"

/// Every option, declared once: its name, member, type and text. Defaults are those of the member (config.h).
namespace sallyport::config {
namespace {

constexpr std::int64_t AnyId = std::numeric_limits<std::uint32_t>::max();

SectionOf<Tls> tls_options() {
    return SectionOf<Tls>()
        .option("certificate", &Tls::certificate, readable_file(),
                "PEM file with the certificate and its chain, leaf first.", "/etc/sallyport/tls.crt")
        .required()
        .option("key", &Tls::key, secret_file(), "PEM file with the private key.", "/etc/sallyport/tls.key")
        .required()
        .option("client_ca", &Tls::client_ca, readable_file(),
                "PEM file with authorities; clients must then show a certificate that one of them signed.",
                "/etc/sallyport/clients.pem");
}

SectionOf<Listener> listener_options() {
    return SectionOf<Listener>()
        .option("tcp", &Listener::tcp, tcp_address(), "A TCP door. Either tcp or unix is given.", "127.0.0.1:9311")
        .option("unix", &Listener::unix_path, path("the path of a socket"),
                "A UNIX socket: callers are known by what the kernel says of them (auth.peers); the command line calls "
                "here.",
                "/run/sallyport/agent.sock")
        .option("mode", &Listener::mode, file_mode(), "Mode of the socket file.")
        .section("tls", &Listener::tls, tls_options(), "TLS 1.2 or newer on a TCP door. Absent: plain HTTP.")
        .check([](const Listener& door, const auto& problem, const auto&) {
            if (door.tcp.has_value() == !door.unix_path.empty()) problem("", "expected either tcp or unix");
            if (door.tls && !door.tcp) problem("tls", "goes with tcp only");
        });
}

SectionOf<SecretStore> secret_store_options() {
    return SectionOf<SecretStore>()
        .option("name", &SecretStore::name, text("a name for people"), "What people call it.")
        .option("type", &SecretStore::type,
                one_of(Words<SecretStoreType>{{"simple_crypto", SecretStoreType::SimpleCrypto}}),
                "How payloads are kept: simple_crypto encrypts them under a key of each project, and that under the "
                "master key (KEK) of a file.")
        .required()
        .option(
            "kek_files", &SecretStore::kek_files, list_of(secret_source()),
            "Where a master key each is, as Barbican's `kek`: 44 characters of urlsafe base64. The first writes, all "
            "read. A file; credential:NAME, which systemd hands over; or env:NAME, a variable of the unit.",
            "[/etc/sallyport/kek]")
        .required()
        .option(
            "envelope", &SecretStore::envelope,
            one_of(Words<store::Envelope>{{"bound", store::Envelope::Bound}, {"barbican", store::Envelope::Barbican}}),
            "How new payloads are written. bound: AES-256-GCM, tied to secret and project, so that rows cannot be "
            "swapped. barbican: Fernet, while a real Barbican shares the database. Both are always read.")
        .option("global_default", &SecretStore::global_default, boolean(),
                "New secrets go here unless a project prefers another store. Exactly one store has it.")
        .check([](const SecretStore& store, const auto& problem, const auto&) {
            if (store.kek_files.empty()) problem("kek_files", "expected at least one file");
        });
}

SectionOf<TokenCache> token_cache_options() {
    return SectionOf<TokenCache>()
        .option("entries", &TokenCache::entries, integer(1, 10'000'000), "How many tokens are remembered at most.")
        .option(
            "seconds", &TokenCache::seconds, integer(1, 3600),
            "How long a good token is believed without asking Keystone again (never longer than the token lives). A "
            "token that is revoked works for so long at most.")
        .option("negative_seconds", &TokenCache::negative_seconds, integer(0, 3600),
                "How long a refused token is refused without asking again.");
}

SectionOf<Keystone> keystone_options() {
    return SectionOf<Keystone>()
        .option("url", &Keystone::url, http_url(), "The Identity API, version 3.", "http://127.0.0.1:5000/v3")
        .required()
        .option("www_authenticate_uri", &Keystone::www_authenticate_uri, http_url(),
                "Where a 401 tells clients to get a token. Empty: url without /v3.", "http://127.0.0.1:5000")
        .option("ca_file", &Keystone::ca_file, readable_file(),
                "PEM file with the authorities that may vouch for Keystone. Empty: the system's.",
                "/etc/ssl/certs/ca-certificates.crt")
        .option("username", &Keystone::username, text("a user's name"),
                "The agent's own account, which may validate tokens.", "barbican")
        .required()
        .option("user_domain", &Keystone::user_domain, text("a domain's name"), "The domain of that user.")
        .option("password_file", &Keystone::password_file, secret_file(), "A file with the password of that user.",
                "/etc/sallyport/keystone.password")
        .required()
        .option("project", &Keystone::project, text("a project's name"), "The project that the account logs in to.")
        .option("project_domain", &Keystone::project_domain, text("a domain's name"), "The domain of that project.")
        .option("timeout_seconds", &Keystone::timeout_seconds, integer(1, 300),
                "How long one question to Keystone may take.")
        .option("service_token_roles", &Keystone::service_token_roles, list_of(text("a role's name")),
                "A service that shows a token of its own (X-Service-Token) with one of these roles may go on with its "
                "user's token after that has expired, as long as Keystone's allow_expired_window lasts.",
                "[service]")
        .section("token_cache", &Keystone::token_cache, token_cache_options(), "Tokens that were validated lately.");
}

SectionOf<Peer> peer_options() {
    return SectionOf<Peer>()
        .option("uid", &Peer::uid, integer(0, AnyId), "The calling process's user id.", "0")
        .option("user", &Peer::user, text("a user of this machine"), "The same by name.", "nova")
        .option("gid", &Peer::gid, integer(0, AnyId),
                "A group id of the calling process, supplementary groups included.", "64055")
        .option("group", &Peer::group, text("a group of this machine"), "The same by name.", "libvirt-qemu")
        .option("project", &Peer::project, text("a project"), "The project that such a caller acts in.", "node")
        .required()
        .option("roles", &Peer::roles, list_of(text("a role's name")), "Its roles there, as the policy names them.",
                "[admin]")
        .required()
        .check([](const Peer& peer, const auto& problem, const auto& warning) {
            const int given =
                (peer.uid ? 1 : 0) + (peer.user.empty() ? 0 : 1) + (peer.gid ? 1 : 0) + (peer.group.empty() ? 0 : 1);
            if (given != 1) problem("", "expected exactly one of uid, user, gid, group");
            if (!peer.user.empty() && getpwnam(peer.user.c_str()) == nullptr) {
                warning("user", fmt::format("this machine has no user {}, so nobody is that caller", peer.user));
            }
            if (!peer.group.empty() && getgrnam(peer.group.c_str()) == nullptr) {
                warning("group", fmt::format("this machine has no group {}, so nobody is that caller", peer.group));
            }
        });
}

SectionOf<Auth> auth_options() {
    return SectionOf<Auth>()
        .section("keystone", &Auth::keystone, keystone_options(),
                 "Callers show a token (X-Auth-Token) that Keystone vouches for.")
        .list("peers", &Auth::peers, peer_options(),
              "Callers on the UNIX socket without a token, by the credentials of their process; the first entry that "
              "fits "
              "counts.")
        .option("insecure_no_auth", &Auth::insecure_no_auth, boolean(),
                "Believe X-Project-Id, X-Roles (default: admin) and X-User-Id of whoever calls. For trials, on "
                "loopback and "
                "UNIX sockets only.")
        .check([](const Auth& auth, const auto& problem, const auto&) {
            if (!auth.keystone && auth.peers.empty() && !auth.insecure_no_auth) {
                problem("", "expected keystone, peers or insecure_no_auth: else nobody could call");
            }
        });
}

SectionOf<Quotas> quota_options() {
    constexpr std::int64_t Most = 2'147'483'647;
    return SectionOf<Quotas>()
        .option("secrets", &Quotas::secrets, integer(-1, Most),
                "Secrets that were stored; keys that orders made count.")
        .option("orders", &Quotas::orders, integer(-1, Most), "Orders.")
        .option("containers", &Quotas::containers, integer(-1, Most), "Containers.")
        .option("consumers", &Quotas::consumers, integer(-1, Most),
                "Consumers that the project has registered, of secrets and of containers each.")
        .option("cas", &Quotas::cas, integer(-1, Most), "Certificate authorities. There are none.");
}

SectionOf<Limits> limit_options() {
    return SectionOf<Limits>()
        .option("secret_bytes", &Limits::secret_bytes, integer(1, 1'048'576),
                "The longest payload, as it is transferred (Barbican's max_allowed_secret_in_bytes).")
        .option("request_bytes", &Limits::request_bytes, integer(1, 2'097'152),
                "The longest request body (Barbican's max_allowed_request_size_in_bytes).")
        .section(
            "quotas", &Limits::quotas, quota_options(),
            "How many of each a project may have (-1: any number, 0: none), unless the service's administrator set "
            "others for it (Barbican's [quotas]).")
        .check([](const Limits& limits, const auto& problem, const auto&) {
            if (limits.request_bytes < limits.secret_bytes) problem("request_bytes", "expected at least secret_bytes");
        });
}

SectionOf<LifeCycle> life_cycle_options() {
    using core::DeleteWithConsumers;
    return SectionOf<LifeCycle>()
        .option(
            "delete_with_consumers", &LifeCycle::delete_with_consumers,
            one_of(Words<DeleteWithConsumers>{{"allow", DeleteWithConsumers::Allow},
                                              {"warn", DeleteWithConsumers::Warn},
                                              {"refuse", DeleteWithConsumers::Refuse}}),
            "What happens to a secret or container that a service has registered to use (a consumer) when its "
            "owner deletes it. allow: it goes, as in Barbican. warn: it goes, and the log and a header of the answer "
            "say so. refuse: 409 with the consumers.")
        .option("undelete_days", &LifeCycle::undelete_days, integer(0, 36'500),
                "For how many days an administrator can bring a deleted secret back, unless `db clean` was quicker. 0: "
                "not at all.")
        .option(
            "finished_order_days", &LifeCycle::finished_order_days, integer(0, 36'500),
            "Orders that ended so many days ago are swept out (deleted); the keys that they made stay. 0: never, as "
            "in Barbican.")
        .option("sweep_expired", &LifeCycle::sweep_expired, boolean(),
                "Secrets past their expiration are swept out (deleted). Nobody can read them either way.")
        .option("sweep_minutes", &LifeCycle::sweep_minutes, integer(1, 10'080),
                "How long the sweep rests when nothing is left to do.");
}

SectionOf<Upstream> upstream_options() {
    return SectionOf<Upstream>()
        .option("type", &Upstream::type,
                one_of(Words<UpstreamType>{{"directory", UpstreamType::Directory}, {"swift", UpstreamType::Swift}}),
                "directory: objects in a folder of this machine, metadata beside them. swift: a Swift proxy whose "
                "pipeline has our shim right of gatekeeper.")
        .required()
        .option("path", &Upstream::path, path("the path of a folder"), "directory: the folder.",
                "/var/lib/sallyport/objects")
        .option("url", &Upstream::url, http_url(), "swift: the proxy.", "http://127.0.0.1:8080")
        .option("secret_file", &Upstream::secret_file, secret_file(),
                "swift: a file with the secret by which the shim knows this door: at least 16 characters.",
                "/etc/sallyport/shim.secret")
        .option("ca_file", &Upstream::ca_file, readable_file(),
                "swift: PEM file with the authorities that may vouch for a proxy behind https. Absent: the system's.",
                "/etc/sallyport/swift-ca.pem")
        .option("timeout_seconds", &Upstream::timeout_seconds, integer(1, 3600),
                "swift: a proxy that neither takes nor sends a byte for that long is given up.")
        .check([](const Upstream& upstream, const auto& problem, const auto&) {
            const bool is_swift = upstream.type == UpstreamType::Swift;
            if (!is_swift && upstream.path.empty()) problem("path", "expected the path of a folder");
            if (is_swift && upstream.url.empty()) problem("url", "expected the proxy's URL");
            if (is_swift && upstream.secret_file.empty())
                problem("secret_file", "expected the file of the shim's secret");
        });
}

SectionOf<Objects> object_options() {
    return SectionOf<Objects>()
        .option("listen", &Objects::listen, tcp_address(), "Where the object proxy filter takes requests.")
        .section("tls", &Objects::tls, tls_options(), "TLS 1.2 or newer for its clients. Absent: plain HTTP.")
        .section("upstream", &Objects::upstream, upstream_options(), "Where objects are stored.")
        .option("project", &Objects::project, text("a project"), "The project that owns the root secrets.")
        .option("root_secrets", &Objects::root_secrets, uuids_by_name(),
                "Swift's root secret ids, and the key manager's secret that holds each; \"\" is Swift's secret without "
                "an id.",
                "{\"\": 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11, \"2027\": 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55}")
        .required()
        .option("active_root_secret", &Objects::active_root_secret, any_text(),
                "The id under which new objects are encrypted: one of root_secrets.")
        .option("meta_version", &Objects::meta_version, integer(1, 3),
                "The version of the crypto metadata of new objects (Swift's meta_version_to_write).")
        .option("disable_encryption", &Objects::disable_encryption, boolean(),
                "Store new objects and metadata in clear; what is encrypted is still decrypted (Swift's "
                "disable_encryption).")
        .option("verify_reads", &Objects::verify_reads, boolean(),
                "Take the MD5 of every whole object that is read, and log an error if it is not its sealed ETag. Costs "
                "about as much as writing does.")
        .check([](const Objects& objects, const auto& problem, const auto&) {
            if (!objects.root_secrets.contains(objects.active_root_secret)) {
                problem("active_root_secret",
                        fmt::format("\"{}\" is not among root_secrets", objects.active_root_secret));
            }
        });
}

SectionOf<Notifications> notification_options() {
    return SectionOf<Notifications>()
        .option(
            "url_file", &Notifications::url_file, secret_file(),
            "A file with RabbitMQ's URL, amqp://user:password@host:5672/vhost or amqps:// for TLS; of a cluster one "
            "line a broker. `image watch` reads it, the agent does not. Absent: it only looks.",
            "/etc/sallyport/rabbitmq.url")
        .option("ca_file", &Notifications::ca_file, readable_file(),
                "PEM file with the authorities that may vouch for RabbitMQ. Absent: the system's.",
                "/etc/sallyport/rabbitmq-ca.pem")
        .option("exchange", &Notifications::exchange, text("an exchange's name"),
                "The topic exchange that Glance notifies (its control_exchange).")
        .option("topic", &Notifications::topic, text("a topic"),
                "Glance's [oslo_messaging_notifications] topics; `.info` is added.")
        .option("queue", &Notifications::queue, text("a queue's name"),
                "Whose messages are taken. A queue of its own sees every notification; notifications.info would share "
                "them with whoever takes them as well.")
        .option("durable_exchange", &Notifications::durable_exchange, boolean(),
                "As Glance's amqp_durable_queues: how the exchange is made if Glance has not made it yet.");
}

SectionOf<Images> image_options() {
    return SectionOf<Images>()
        .option("glance_url", &Images::glance_url, http_url(), "The image service, without /v2.",
                "http://127.0.0.1:9292")
        .required()
        .option("ca_file", &Images::ca_file, readable_file(),
                "PEM file with the authorities that may vouch for Glance. Absent: the system's.",
                "/etc/sallyport/glance-ca.pem")
        .option("timeout_seconds", &Images::timeout_seconds, integer(1, 600),
                "How long one question to Glance may take.")
        .option(
            "admin_role", &Images::admin_role, text("a role's name"),
            "The role, of the account in auth.keystone, to which Glance shows every image. An account without it is "
            "told 404 for other projects' images, which must not be taken for deleted.")
        .option("roles", &Images::roles, list_of(text("a role's name")),
                "With which roles in the image's project its key is deleted; the policy is asked as for any caller.")
        .option("register_consumers", &Images::register_consumers, boolean(),
                "Register each image that takes its key along as a consumer of the key. With "
                "life_cycle.delete_with_consumers: refuse nobody, Glance included, then deletes a key whose image is "
                "still there.")
        .option("retry_seconds", &Images::retry_seconds, integer(1, 3600),
                "How soon a deletion is tried again when Glance or the database was away; doubled each time.")
        .option("longest_retry_seconds", &Images::longest_retry_seconds, integer(1, 86'400), "The longest such wait.")
        .option("look_seconds", &Images::look_seconds, integer(1, 86'400),
                "How often `image watch` walks through all images for those whose notification was lost.")
        .section("notifications", &Images::notifications, notification_options(),
                 "Where `image watch` hears of deleted images.")
        .check([](const Images& images, const auto& problem, const auto&) {
            if (images.longest_retry_seconds < images.retry_seconds) {
                problem("longest_retry_seconds", "expected at least retry_seconds");
            }
        });
}

SectionOf<Volumes> volume_options() {
    return SectionOf<Volumes>()
        .option("unlock_profile", &Volumes::unlock_profile,
                one_of(Words<UnlockProfile>{{"random-key", UnlockProfile::RandomKey},
                                            {"passphrase", UnlockProfile::Passphrase}}),
                "How `volume format` protects the key slot where it does not say. random-key: for keys of at least 256 "
                "random "
                "bits, opens in milliseconds. passphrase: Argon2id, for what people can remember.")
        .option(
            "attachments", &Volumes::attachments, path("the path of a folder"),
            "What is needed to undo an attach: a file for each volume that `volume open` mapped. Kept over restarts.")
        .option("escrow_headers", &Volumes::escrow_headers, boolean(),
                "Keep a copy of a volume's header, encrypted, in the database before every change of it that the agent "
                "makes, and compare headers with their copies once a day.")
        .option("erasures", &Volumes::erasures, path("the path of a folder"),
                "Where `volume erase` keeps its certificates and the key that signs them (made at first use).");
}

SectionOf<Hypervisor> hypervisor_options() {
    return SectionOf<Hypervisor>()
        .option("uri", &Hypervisor::uri, text("a libvirt URI"), "The libvirtd that gets secrets.")
        .option("watch", &Hypervisor::watch, boolean(),
                "Follow libvirt's events: secrets are put again after libvirtd was away, and dropped when the last "
                "domain that needs them is gone.")
        .option("project", &Hypervisor::project, text("a project"),
                "The project whose keys the watcher may use; the policy is asked as for any other caller.")
        .option("roles", &Hypervisor::roles, list_of(text("a role")), "The watcher's roles in that project.")
        .option("pending_seconds", &Hypervisor::pending_seconds, integer(1, 86400),
                "How long a secret that was put waits for the domain or the disk that needs it.")
        .option("queue_seconds", &Hypervisor::queue_seconds, integer(0, 600),
                "How long `libvirt inject`, `drop` and `sync` wait for a libvirtd that is away.")
        .option("look_seconds", &Hypervisor::look_seconds, integer(1, 86400),
                "The watcher looks at all domains this often, even without an event.")
        .option("secrets_folder", &Hypervisor::secrets_folder, path("a path"),
                "Where libvirt keeps persistent secrets in clear; `doctor` looks there.");
}

SectionOf<Server> server_options() {
    return SectionOf<Server>()
        .option("threads", &Server::threads, integer(0, 256), "Event loops, a thread each; 0: one a processor.")
        .option("connections", &Server::connections, integer(1, 100'000), "Open connections at most; more wait.")
        .option("header_seconds", &Server::header_seconds, integer(1, 3600), "For a request's head to arrive.")
        .option("body_seconds", &Server::body_seconds, integer(1, 3600), "For each piece of a body to arrive.")
        .option("write_seconds", &Server::write_seconds, integer(1, 3600), "For each piece of an answer to leave.")
        .option("idle_seconds", &Server::idle_seconds, integer(1, 3600),
                "How long a connection is kept between requests.")
        .option("stop_seconds", &Server::stop_seconds, integer(0, 3600),
                "How long a stop waits for requests that are being answered.")
        .option("healthcheck_disable_file", &Server::healthcheck_disable_file, path("a path"),
                "While this file exists /healthcheck answers 503, so that a load balancer goes elsewhere.");
}

SectionOf<Lane> lane_options() {
    return SectionOf<Lane>()
        .option("threads", &Lane::threads, integer(1, 256), "Calls that run at once.")
        .option("queue", &Lane::queue, integer(1, 1'000'000), "Calls that wait; one more is answered 503.");
}

SectionOf<Lanes> lanes_options() {
    return SectionOf<Lanes>()
        .section("keys", &Lanes::keys, lane_options(), "Database and secret store.")
        .section("volumes", &Lanes::volumes, lane_options(), "LUKS (Argon2 takes memory: up to 1 GiB a thread).")
        .section("hypervisor", &Lanes::hypervisor, lane_options(), "libvirtd.");
}

SectionOf<SecureMemory> secure_memory_options() {
    return SectionOf<SecureMemory>()
        .option("bytes", &SecureMemory::bytes, integer(1 << 20, 1LL << 32),
                "Locked memory for secrets; a power of two (see also LimitMEMLOCK= of the systemd unit).")
        .option("insecure_allow_unlocked_memory", &SecureMemory::insecure_allow_unlocked_memory, boolean(),
                "Start even if memory cannot be locked; secrets may then be swapped out.")
        .check([](const SecureMemory& memory, const auto& problem, const auto&) {
            if ((memory.bytes & (memory.bytes - 1)) != 0) problem("bytes", "expected a power of two, such as 16777216");
        });
}

SectionOf<Audit> audit_options() {
    return SectionOf<Audit>()
        .option(
            "file", &Audit::file, path("the path of a file"),
            "Where lines are appended: JSON, each chained to the one before. FILE.head beside it holds the sealed end. "
            "After a rotation send SIGHUP.",
            "/var/log/sallyport/audit.jsonl")
        .required()
        .option("key_file", &Audit::key_file, secret_file(),
                "A file with the chain's key, 32 bytes or more. Without a key, whoever can write the log can also make "
                "a chain that fits.",
                "/etc/sallyport/audit.key")
        .option("when_unwritable", &Audit::when_unwritable,
                one_of(Words<WhenUnwritable>{{"refuse", WhenUnwritable::Refuse}, {"warn", WhenUnwritable::Warn}}),
                "If a line cannot be written: refuse (503; no key leaves, nothing is changed) or warn and go on.")
        .option("sync_milliseconds", &Audit::sync_milliseconds, integer(0, 60'000),
                "How soon lines are on the disk, should the power fail; they survive the agent's own end at once. 0: "
                "before "
                "each answer, at the cost of a flush of the disk.");
}

SectionOf<Metrics> metrics_options() {
    return SectionOf<Metrics>()
        .option("listen", &Metrics::listen, tcp_address(),
                "Where Prometheus finds GET /metrics, in plain HTTP and without a question who asks: counts and times, "
                "no names and no ids. Absent: on the UNIX socket of the REST API alone.",
                "127.0.0.1:9312")
        .check([](const Metrics& metrics, const auto&, const auto& warning) {
            if (metrics.listen && !metrics.listen->is_loopback()) {
                warning("listen", "anybody who reaches this address reads how busy this node is");
            }
        });
}

SectionOf<Log> log_options() {
    return SectionOf<Log>()
        .option("level", &Log::level,
                one_of(Words<LogLevel>{{"debug", LogLevel::Debug},
                                       {"info", LogLevel::Info},
                                       {"warning", LogLevel::Warning},
                                       {"error", LogLevel::Error}}),
                "The least important lines that are shown.")
        .option("format", &Log::format, one_of(Words<LogFormat>{{"text", LogFormat::Text}, {"json", LogFormat::Json}}),
                "Lines for people, or JSON.");
}

void check_all(const Config& config, const SectionOf<Config>::Complain& problem, const SectionOf<Config>::Complain&) {
    if (config.listen.empty()) problem("listen", "expected at least one door");
    if (config.secret_stores.size() != 1) problem("secret_stores", "expected exactly one store");
    const auto defaults = std::count_if(config.secret_stores.begin(), config.secret_stores.end(),
                                        [](const SecretStore& store) { return store.global_default; });
    if (config.secret_stores.size() == 1 && defaults != 1)
        problem("secret_stores", "expected one store with global_default: true");
    if (config.images && !config.auth.keystone)
        problem("images", "expected auth.keystone: Glance asks for its account");
    if (!config.auth.insecure_no_auth) return;
    for (const Listener& door : config.listen) {
        if (door.tcp && !door.tcp->is_loopback()) {
            problem("auth",
                    fmt::format("insecure_no_auth would believe anybody who reaches {}: expected loopback addresses "
                                "and UNIX sockets only",
                                door.tcp->text()));
        }
    }
}

SectionOf<Config> config_options() {
    return SectionOf<Config>()
        .option("roles", &Config::roles,
                list_of(one_of(Words<Role>{{"keymanager", Role::KeyManager},
                                           {"objects", Role::Objects},
                                           {"volumes", Role::Volumes},
                                           {"hypervisor", Role::Hypervisor}})),
                "What this process does. The rights of each differ, so a node may run two.")
        .list("listen", &Config::listen, listener_options(), "The doors of the REST API.")
        .option("host_href", &Config::host_href, http_url(),
                "What secret_ref and the like begin with. Empty: taken from the request.",
                "https://keys.example.com:9311")
        .option("database", &Config::database, text("a database URL such as sqlite:////var/lib/sallyport/keys.db"),
                "The database, as in Barbican's sql_connection: sqlite:////path, mysql+pymysql://user@host/barbican or "
                "postgresql://user@host/barbican. Several hosts with commas between them are tried in turn.",
                "sqlite:////var/lib/sallyport/keys.db")
        .required()
        .option("database_password_file", &Config::database_password_file, secret_file(),
                "A file with the password for a database server; read at every connect. A password is never part of "
                "the URL.",
                "/etc/sallyport/database.password")
        .option("database_sessions", &Config::database_sessions, integer(1, 1000),
                "Connections to the database for readers; a server has as many more for writers.")
        .list("secret_stores", &Config::secret_stores, secret_store_options(),
              "Where payloads are kept, and under which key.")
        .section("auth", &Config::auth, auth_options(), "How callers are known.")
        .option(
            "policy_file", &Config::policy_file, readable_file(),
            "Rules that replace Barbican's defaults one by one, in oslo.policy's language. Empty: the defaults alone.",
            "/etc/sallyport/policy.yaml")
        .option("new_rbac_defaults", &Config::new_rbac_defaults, boolean(),
                "Start from the defaults of later Barbicans (reader, member, admin, and each action for tokens of its "
                "own scope only: enforce_new_defaults and enforce_scope) instead of admin, creator, observer, audit.")
        .section("limits", &Config::limits, limit_options(), "How much a request may hold.")
        .section("life_cycle", &Config::life_cycle, life_cycle_options(),
                 "When secrets and orders end, and for how long that can be taken back.")
        .section("objects", &Config::objects, object_options(), "The object proxy filter. Absent: none runs.")
        .section("images", &Config::images, image_options(),
                 "Keys of images that are deleted after their images. Absent: Glance alone deletes them.")
        .section("volumes", &Config::volumes, volume_options(), "Encrypted volumes.")
        .section("hypervisor", &Config::hypervisor, hypervisor_options(), "Where guests run.")
        .section("server", &Config::server, server_options(), "The HTTP servers, and what a client can make them hold.")
        .section("lanes", &Config::lanes, lanes_options(), "Bounded pools of threads for calls that block.")
        .section("secure_memory", &Config::secure_memory, secure_memory_options(),
                 "Where secrets live in this process.")
        .section("audit", &Config::audit, audit_options(), "Who did what to which key. Absent: nobody writes it down.")
        .section("metrics", &Config::metrics, metrics_options(), "What is counted and timed.")
        .section("log", &Config::log, log_options(), "What is written to standard error.")
        .check(check_all);
}

}  // namespace

const Section& all_options() {
    static const std::shared_ptr<const Section> table = config_options().table();
    return *table;
}

}  // namespace sallyport::config
