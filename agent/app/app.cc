#include "agent/app/app.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/heartbeat.h"
#include "agent/app/policy.h"
#include "agent/app/status_route.h"
#include "agent/app/sweeper.h"
#include "agent/app/systemd.h"
#include "agent/audit/audit_log.h"
#include "agent/audit/request_audit.h"
#include "agent/auth/authenticators.h"
#include "agent/guests/keeper.h"
#include "agent/guests/key_manager_keys.h"
#include "agent/http/server.h"
#include "agent/images/glance.h"
#include "agent/images/image_care.h"
#include "agent/images/image_routes.h"
#include "agent/lanes/edge_threads.h"
#include "agent/lanes/lane.h"
#include "agent/metrics/metrics_page.h"
#include "agent/metrics/request_metrics.h"
#include "agent/node_api/hypervisor.h"
#include "agent/node_api/keks.h"
#include "agent/node_api/key_import.h"
#include "agent/node_api/life_cycle.h"
#include "agent/node_api/passphrase.h"
#include "agent/node_api/volume_care.h"
#include "agent/node_api/volume_keys.h"
#include "agent/node_api/volume_ledger.h"
#include "agent/node_api/volumes.h"
#include "agent/objects/care_routes.h"
#include "agent/objects/key_route.h"
#include "agent/objects/object_door.h"
#include "agent/objects/root_secret_keeper.h"
#include "agent/objects/root_secrets.h"
#include "agent/rest/rest_door.h"
#include "integrations/libvirt/libvirt.h"
#include "integrations/volume/attacher.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/api/router.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/log.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/key_manager.h"
#include "keymanager/core/policy_report.h"
#include "keymanager/db/database.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport::app {
namespace {

using std::chrono::seconds;

/// Calls of the object door to a store in a folder: pieces of 128 KiB to read and to write.
const lanes::LaneConfig ObjectsLane{.name = "objects", .threads = 4, .queue = 1024};

/// Each call waits for Glance; walks through all images take minutes.
const lanes::LaneConfig ImagesLane{.name = "images", .threads = 4, .queue = 256};

/// Conversions of whole volumes: each keeps all processors and the disk busy, so that many at a time gain nothing.
const lanes::LaneConfig LongVolumesLane{.name = "volumes_long", .threads = 2, .queue = 64};

/// libvirt's hooks, each with a domain's start behind it: none waits for another's key, nor for what is asked about
/// domains on the lane `hypervisor`.
const lanes::LaneConfig HooksLane{.name = "hooks", .threads = 4, .queue = 64};

/// How often the agent looks after itself.
constexpr std::chrono::microseconds LongestTick = seconds(10);

/// SIGTERM, SIGINT and SIGHUP, waited for instead of handled: a handler could do next to nothing.
class StopSignals {
public:
    /// Blocks them for this thread and all that it will start.
    StopSignals() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    }
    /// Nothing if none came in time.
    std::optional<int> wait(std::chrono::microseconds time) {
        const auto whole = std::chrono::duration_cast<seconds>(time);
        const timespec limit{whole.count(), std::chrono::duration_cast<std::chrono::nanoseconds>(time - whole).count()};
        const int signal = sigtimedwait(&signals_, nullptr, &limit);
        if (signal < 0) return std::nullopt;
        return signal;
    }

private:
    sigset_t signals_{};
};

lanes::LaneConfig lane_config(std::string name, const config::Lane& lane) {
    return {.name = std::move(name),
            .threads = static_cast<std::size_t>(lane.threads),
            .queue = static_cast<std::size_t>(lane.queue)};
}

/// Writers of SQLite share a commit. The calls of one thread come to it together; those of as many threads would wake
/// each other for it. A server's database has a connection, and a wait, for each call.
lanes::LaneConfig keys_lane_config(const config::Config& config) {
    lanes::LaneConfig lane = lane_config("keys", config.lanes.keys);
    if (!config.database.starts_with("sqlite:")) return lane;
    constexpr std::size_t Threads = 2;  // while one waits for the disk the other prepares the next group
    lane.calls_a_thread = (lane.threads + Threads - 1) / Threads;
    lane.threads = std::min(lane.threads, Threads);
    return lane;
}

http::ServerLimits limits_of(const config::Server& server) {
    http::ServerLimits limits;
    limits.connections = static_cast<std::size_t>(server.connections);
    limits.header_time = seconds(server.header_seconds);
    limits.body_time = seconds(server.body_seconds);
    limits.write_time = seconds(server.write_seconds);
    limits.idle_time = seconds(server.idle_seconds);
    return limits;
}

std::optional<http::TlsServerConfig> tls_of(const std::optional<config::Tls>& tls) {
    if (!tls) return std::nullopt;
    return http::TlsServerConfig{tls->certificate, tls->key.path, tls->client_ca};
}

http::ListenOn listen_on(const config::Listener& listener) {
    if (!listener.tcp) return http::UnixListen{listener.unix_path, listener.mode};
    return http::TcpListen{listener.tcp->host, listener.tcp->port, tls_of(listener.tls)};
}

Result<std::unique_ptr<store::SecretStore>> open_store(const config::Config& config) {
    for (const config::SecretStore& store : config.secret_stores) {
        if (!store.global_default) continue;
        switch (store.type) {
            case config::SecretStoreType::SimpleCrypto: {
                store::SimpleCryptoConfig settings{store.name, {}, store.envelope};
                for (const config::SecretFile& file : store.kek_files) settings.kek_files.push_back(file.path);
                return store::make_simple_crypto(settings, system_clock());
            }
        }
    }
    return Error{Code::InvalidInput, "secret_stores: none is the global default", {}};
}

volume::UnlockProfile unlock_profile(config::UnlockProfile profile) {
    switch (profile) {
        case config::UnlockProfile::RandomKey: return volume::UnlockProfile::RandomKey;
        case config::UnlockProfile::Passphrase: return volume::UnlockProfile::Passphrase;
    }
    return volume::UnlockProfile::Passphrase;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

model::Quotas quotas_of(const config::Quotas& quotas) {
    const auto number = [](std::int64_t value) { return std::optional(static_cast<int>(value)); };
    return {number(quotas.secrets), number(quotas.orders), number(quotas.containers), number(quotas.consumers),
            number(quotas.cas)};
}

core::LifeCycleRules rules_of(const config::LifeCycle& settings) {
    using std::chrono::days;
    core::LifeCycleRules rules;
    rules.delete_with_consumers = settings.delete_with_consumers;
    rules.undelete_window = days(settings.undelete_days);
    rules.finished_orders = days(settings.finished_order_days);
    rules.sweep_expired = settings.sweep_expired;
    return rules;
}

/// One step, told if it did anything.
Result<bool> sweep(core::LifeCycle& life_cycle) {
    const core::Swept swept = TRY(life_cycle.sweep());
    if (swept.secrets + swept.orders > 0) {
        log_info("swept out {} expired secrets and {} finished orders", swept.secrets, swept.orders);
    }
    return swept.more;
}

guests::KeeperSettings keeper_settings(const config::Hypervisor& settings) {
    return {.self = {UserId("guest-watcher"), ProjectId(settings.project), settings.roles, ""},
            .pending = seconds(settings.pending_seconds),
            .queue = seconds(settings.queue_seconds),
            .look_every = seconds(settings.look_seconds)};
}

images::CareSettings care_settings(const config::Images& settings) {
    return {.self = {UserId("image-watcher"), {}, settings.roles, ""},
            .first_wait = seconds(settings.retry_seconds),
            .longest_wait = seconds(settings.longest_retry_seconds),
            .register_consumers = settings.register_consumers};
}

audit::WhenUnwritable when_unwritable(config::WhenUnwritable choice) {
    switch (choice) {
        case config::WhenUnwritable::Refuse: return audit::WhenUnwritable::Refuse;
        case config::WhenUnwritable::Warn: return audit::WhenUnwritable::Warn;
    }
    return audit::WhenUnwritable::Refuse;
}

Result<std::unique_ptr<audit::AuditLog>> open_audit(const config::Audit& settings) {
    return audit::AuditLog::open({.file = settings.file,
                                  .key_file = settings.key_file.path,
                                  .when_unwritable = when_unwritable(settings.when_unwritable),
                                  .sync_every = std::chrono::milliseconds(settings.sync_milliseconds)},
                                 system_clock());
}

Result<std::unique_ptr<core::KeyManager>> open_key_manager(const config::Config& config) {
    db::DatabaseConfig settings;
    settings.url = config.database;
    settings.password_file = config.database_password_file.path;
    settings.sessions = static_cast<int>(config.database_sessions);
    std::unique_ptr<db::Database> database = TRY(db::make_database(settings));
    std::unique_ptr<store::SecretStore> store = TRY(open_store(config));
    core::AccessPolicy policy = TRY(load_policy(config.policy_file, config.new_rbac_defaults));
    for (const std::string& name : core::idle_rules(policy)) log_warning("policy: {}", idle_rule_text(name));
    core::KeyManagerLimits limits;
    limits.secret_bytes = static_cast<std::size_t>(config.limits.secret_bytes);
    limits.quotas = quotas_of(config.limits.quotas);
    limits.life_cycle = rules_of(config.life_cycle);
    return core::KeyManager::open(std::move(database), std::move(store), std::move(policy), system_clock(), limits);
}

/// The agent, part by part, in the order in which they need each other; they go in the opposite one.
class Agent {
public:
    explicit Agent(const config::Config& config) : config_(config) {}

    Result<void> build() {
        if (config_.audit) {
            audit_log_ = TRY(open_audit(*config_.audit));
            audit_ = std::make_unique<audit::RequestAudit>(*audit_log_);
            status_.set_audit(audit_log_.get());
        }
        key_manager_ = TRY(open_key_manager(config_));
        authenticator_ = TRY(auth::make_authenticator(config_.auth, system_clock()));
        router_ = std::make_unique<api::Router>(
            *key_manager_, api::RouterConfig{static_cast<std::size_t>(config_.limits.secret_bytes),
                                             static_cast<std::size_t>(config_.limits.request_bytes),
                                             config_.server.healthcheck_disable_file});
        edge_ = std::make_unique<lanes::EdgeThreads>(
            lanes::EdgeConfig{.loops = static_cast<std::size_t>(config_.server.threads)});
        metrics_.add(*edge_);
        node_routes_.push_back(metrics_.route());
        node_routes_.push_back(status_.route());
        keys_ = add_lane(keys_lane_config(config_));
        build_life_cycle_routes();
        kek_routes_ = std::make_unique<node_api::KekRoutes>(key_manager_->kek_care(), key_manager_->secret_store());
        node_routes_.push_back(kek_routes_->route(*keys_));
        key_import_routes_ = std::make_unique<node_api::KeyImportRoutes>(*key_manager_);
        node_routes_.push_back(key_import_routes_->route(*keys_));
        build_hypervisor_routes();
        build_volume_routes();
        TRY(build_image_routes());
        build_object_key_route();
        TRY(build_object_door());
        TRY(build_rest_door());
        TRY(build_metrics_door());
        return {};
    }

    void start() {
        edge_->start();
        heartbeat_ = std::make_unique<Heartbeat>(*edge_);
        if (keeper_ && config_.hypervisor.watch) keeper_->watch();
        for (auto& server : servers_) server->start();
        start_sweeper();
        if (header_scrub_ != nullptr) {
            const auto scrub = [this]() -> Result<bool> {
                TRY(header_scrub_->run());
                return false;
            };
            header_sweeper_ = std::make_unique<Sweeper>(scrub, Sweeper::Times{.rest = std::chrono::hours(24)});
        }
        if (image_care_ != nullptr) {
            image_sweeper_ = std::make_unique<Sweeper>([this] { return image_care_->work(); },
                                                       Sweeper::Times{.rest = seconds(config_.images->retry_seconds)});
        }
        if (audit_) audit_->record_plain("agent.started", {{"version", SALLYPORT_VERSION}});
    }

    /// SIGHUP: logrotate has renamed the audit log.
    void reload() {
        if (!audit_log_) return;
        if (const auto opened = audit_log_->reopen(); !opened) log_error("audit: {}", opened.error().message);
    }

    /// Called every now and then. False if an event loop stands still.
    bool look_after_itself() {
        tell_systemd_status(status_.summary());
        if (heartbeat_->beat()) return true;
        log_error("{} of {} event loops stand still", heartbeat_->silent(), edge_->size());
        return false;
    }

    /// True if every request got its answer in time.
    bool stop() {
        bool clean = true;
        stopping_ = true;
        header_sweeper_.reset();
        image_sweeper_.reset();
        sweeper_.reset();
        if (keeper_) keeper_->stop();
        const auto until = std::chrono::steady_clock::now() + seconds(config_.server.stop_seconds);
        for (auto& server : servers_) {
            const auto left = until - std::chrono::steady_clock::now();
            clean = server->stop(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                                          std::chrono::milliseconds(0))) &&
                    clean;
        }
        for (auto& lane : lanes_) lane->drain();
        edge_->stop();
        if (audit_) audit_->record_plain("agent.stopped", {});
        return clean;
    }

private:
    lanes::Lane* add_lane(lanes::LaneConfig settings) {
        lanes_.push_back(std::make_unique<lanes::Lane>(std::move(settings)));
        metrics_.add(*lanes_.back());
        status_.add(*lanes_.back());
        return lanes_.back().get();
    }

    void build_life_cycle_routes() {
        life_cycle_routes_ = std::make_unique<node_api::LifeCycleRoutes>(key_manager_->life_cycle());
        node_routes_.push_back(life_cycle_routes_->route(*keys_));
        volume_key_routes_ = std::make_unique<node_api::VolumeKeyRoutes>(key_manager_->volume_keys());
        node_routes_.push_back(volume_key_routes_->route(*keys_));
    }

    void start_sweeper() {
        const config::LifeCycle& settings = config_.life_cycle;
        if (!config_.has_role(config::Role::KeyManager)) return;
        if (!settings.sweep_expired && settings.finished_order_days == 0) return;
        sweeper_ = std::make_unique<Sweeper>([this] { return sweep(key_manager_->life_cycle()); },
                                             Sweeper::Times{.rest = std::chrono::minutes(settings.sweep_minutes)});
    }

    /// A key for a volume or a guest: it leaves the key manager only with its line.
    Result<volume::Passphrase> passphrase(std::string_view event, const core::Caller& caller, const SecretId& key) {
        auto fetched = node_api::fetch_passphrase(*key_manager_, caller, key);
        if (audit_) TRY(audit_->record_use(event, caller, key, outcome_of(fetched)));
        return fetched;
    }

    Result<object::RootSecrets> root_secrets(const config::Objects& settings) {
        auto fetched = objects::fetch_root_secrets(settings, *key_manager_);
        if (!audit_) return fetched;
        const core::Caller door = objects::door_caller(settings);
        for (const auto& [name, id] : settings.root_secrets) {
            TRY(audit_->record_use("object.root-secret.used", door, SecretId(id), outcome_of(fetched)));
        }
        return fetched;
    }

    template <class T>
    static audit::Outcome outcome_of(const Result<T>& result) {
        if (result) return audit::Outcome::Done;
        return result.error().code == Code::Forbidden ? audit::Outcome::Refused : audit::Outcome::Failed;
    }

    void build_hypervisor_routes() {
        if (!config_.has_role(config::Role::Hypervisor)) return;
        hypervisor_ = libvirt::make_libvirt({.uri = config_.hypervisor.uri});
        volume_keys_ = std::make_unique<guests::KeyManagerKeys>(
            *key_manager_, [this](const core::Caller& caller, const SecretId& key) {
                return passphrase("libvirt.key.used", caller, key);
            });
        keeper_ = std::make_unique<guests::Keeper>(*hypervisor_, *volume_keys_, keeper_settings(config_.hypervisor));
        hypervisor_routes_ = std::make_unique<node_api::HypervisorRoutes>(*hypervisor_, *keeper_, *volume_keys_);
        node_routes_.push_back(
            hypervisor_routes_->route(*add_lane(lane_config("hypervisor", config_.lanes.hypervisor))));
        node_routes_.push_back(hypervisor_routes_->hook_route(*add_lane(HooksLane)));
    }

    /// A secret of a guest's disk, if this node has guests: libvirt keeps it under the same uuid, or for the volume.
    Result<std::vector<std::string>> drop_from_libvirt(const SecretId& key) {
        std::vector<std::string> dropped;
        if (hypervisor_ == nullptr) return dropped;
        const auto held = TRY(hypervisor_->list_secrets());
        for (const libvirt::VolumeSecret& secret : held) {
            if (secret.uuid.str() != key.str()) continue;
            TRY(hypervisor_->drop_secret(secret.volume, libvirt::ForeignSecret::Replace));
            dropped.push_back("libvirt's secret " + key.str());
        }
        return dropped;
    }

    node_api::VolumeRoutes::KeepHeader header_keeper() {
        if (!config_.volumes.escrow_headers) return {};
        return [this](const core::Caller& caller, const volume::DevicePath& device) {
            const std::string host = host_name();
            node_api::VolumeLedger ledger(key_manager_->volumes(), caller, host);
            return volume::keep_doomed_header(device, ledger, "before format");
        };
    }

    void build_volume_routes() {
        if (!config_.has_role(config::Role::Volumes)) return;
        volumes_ = volume::make_luks_encryptor();
        attacher_ = std::make_unique<volume::Attacher>(*volumes_, config_.volumes.attachments);
        if (auto recovered = attacher_->recover(); !recovered) log_warning("{}", recovered.error().message);
        volume_routes_ = std::make_unique<node_api::VolumeRoutes>(
            *volumes_, *attacher_,
            [this](const core::Caller& caller, const SecretId& key) {
                return passphrase("volume.key.used", caller, key);
            },
            unlock_profile(config_.volumes.unlock_profile), header_keeper());
        lanes::Lane& lane = *add_lane(lane_config("volumes", config_.lanes.volumes));
        lanes::Lane& long_lane = *add_lane(LongVolumesLane);
        node_routes_.push_back(volume_routes_->route(lane, long_lane));
        if (config_.volumes.escrow_headers) {
            header_scrub_ =
                std::make_unique<node_api::HeaderScrub>(key_manager_->volumes(), host_name(), system_clock());
            status_.set_headers(header_scrub_.get());
        }
        volume_care_routes_ = std::make_unique<node_api::VolumeCareRoutes>(
            *key_manager_,
            [this](const core::Caller& caller, const SecretId& key) {
                return passphrase("volume.key.used", caller, key);
            },
            node_api::VolumeCareConfig{.host = host_name(),
                                       .keep_copies = config_.volumes.escrow_headers,
                                       .erasures = config_.volumes.erasures,
                                       .program = std::string("sallyport ") + SALLYPORT_VERSION,
                                       .drop_cached = [this](const SecretId& key) { return drop_from_libvirt(key); },
                                       .scrub = header_scrub_.get(),
                                       .board = &volume_routes_->board(),
                                       .may_go_on = [this] { return !stopping_.load(); }});
        node_routes_.push_back(volume_care_routes_->route(lane, long_lane));
    }

    Result<void> build_image_routes() {
        if (!config_.images || !config_.has_role(config::Role::KeyManager)) return {};
        glance_ = TRY(images::make_glance(*config_.images, *config_.auth.keystone, system_clock()));
        const auto audit = [this](const core::Caller& caller, const SecretId& key, bool deleted) -> Result<void> {
            if (!audit_) return {};
            return audit_->record_use("image.key.deleted", caller, key,
                                      deleted ? audit::Outcome::Done : audit::Outcome::Refused);
        };
        image_care_ = std::make_unique<images::ImageCare>(key_manager_->image_keys(), key_manager_->consumers(),
                                                          *glance_, care_settings(*config_.images), audit);
        image_routes_ = std::make_unique<images::ImageRoutes>(*image_care_, [this] { return !stopping_.load(); });
        node_routes_.push_back(image_routes_->route(*add_lane(ImagesLane)));
        return {};
    }

    void build_object_key_route() {
        if (!config_.objects || !config_.has_role(config::Role::Objects)) return;
        const config::Objects& settings = *config_.objects;
        object_secrets_ =
            std::make_unique<objects::RootSecretKeeper>([this, &settings] { return root_secrets(settings); });
        object_keys_ = std::make_unique<objects::KeyRoute>(*object_secrets_, settings.project);
        node_routes_.push_back(object_keys_->route(*keys_));
    }

    Result<void> build_object_door() {
        if (!config_.objects || !config_.has_role(config::Role::Objects)) return {};
        // Without a store there is no door: root secrets are there for the filter in Swift's own pipeline alone.
        if (config_.objects->upstream.path.empty() && config_.objects->upstream.url.empty()) return {};
        const config::Objects& settings = *config_.objects;
        objects_ = TRY(objects::make_object_door(
            settings, [this, &settings] { return root_secrets(settings); }, *add_lane(ObjectsLane)));
        const http::ServerLimits limits = objects::door_limits(limits_of(config_.server));
        auto server = std::make_unique<http::Server>(
            *edge_, http::ServerConfig{"objects", {}, limits, &object_requests_}, objects_->handler());
        TRY(server->listen(http::TcpListen{settings.listen.host, settings.listen.port, tls_of(settings.tls)}));
        log_info("objects: listening on {}", settings.listen.text());
        object_care_ = std::make_unique<objects::CareRoutes>(*objects_);
        node_routes_.push_back(object_care_->route());
        metrics_.add("objects", *server);
        status_.add("objects", *server);
        metrics_.add(object_requests_);
        servers_.push_back(std::move(server));
        return {};
    }

    Result<void> build_metrics_door() {
        if (!config_.metrics.listen) return {};
        const config::TcpAddress& where = *config_.metrics.listen;
        auto server = std::make_unique<http::Server>(
            *edge_, http::ServerConfig{"metrics", {}, limits_of(config_.server)}, metrics_.handler());
        TRY(server->listen(http::TcpListen{where.host, where.port, std::nullopt}));
        log_info("metrics: listening on {}", where.text());
        servers_.push_back(std::move(server));
        return {};
    }

    Result<void> build_rest_door() {
        rest_ = std::make_unique<rest::RestDoor>(
            *router_, *authenticator_, *keys_,
            rest::RestConfig{.request_bytes = static_cast<std::size_t>(config_.limits.request_bytes),
                             .www_authenticate_uri = auth::www_authenticate_uri(config_.auth),
                             .audit = audit_.get()},
            std::move(node_routes_));
        auto server = std::make_unique<http::Server>(
            *edge_, http::ServerConfig{"rest", config_.host_href, limits_of(config_.server), &rest_requests_},
            rest_->handler());
        for (const config::Listener& listener : config_.listen) {
            TRY(server->listen(listen_on(listener)));
            log_info("rest: listening on {}", listener.tcp ? listener.tcp->text() : listener.unix_path);
        }
        metrics_.add("rest", *server);
        status_.add("rest", *server);
        metrics_.add(rest_requests_);
        servers_.push_back(std::move(server));
        return {};
    }

    const config::Config& config_;
    metrics::RequestMetrics rest_requests_{"rest", metrics::rest_routes()};
    metrics::RequestMetrics object_requests_{"objects", metrics::object_routes()};
    metrics::MetricsPage metrics_{SALLYPORT_VERSION};
    StatusRoute status_{config_, SALLYPORT_VERSION};
    std::unique_ptr<audit::AuditLog> audit_log_;
    std::unique_ptr<audit::RequestAudit> audit_;
    std::unique_ptr<core::KeyManager> key_manager_;
    std::unique_ptr<api::Router> router_;
    std::unique_ptr<node_api::LifeCycleRoutes> life_cycle_routes_;
    std::unique_ptr<node_api::VolumeKeyRoutes> volume_key_routes_;
    std::unique_ptr<libvirt::Hypervisor> hypervisor_;
    std::unique_ptr<guests::VolumeKeys> volume_keys_;
    std::unique_ptr<guests::Keeper> keeper_;
    std::unique_ptr<node_api::HypervisorRoutes> hypervisor_routes_;
    std::unique_ptr<node_api::KekRoutes> kek_routes_;
    std::unique_ptr<node_api::KeyImportRoutes> key_import_routes_;
    std::unique_ptr<volume::VolumeEncryptor> volumes_;
    std::unique_ptr<volume::Attacher> attacher_;
    std::unique_ptr<node_api::VolumeRoutes> volume_routes_;
    std::unique_ptr<node_api::HeaderScrub> header_scrub_;
    std::unique_ptr<node_api::VolumeCareRoutes> volume_care_routes_;
    std::atomic<bool> stopping_{false};  ///< long work ends where it can go on later
    std::unique_ptr<objects::RootSecretKeeper> object_secrets_;
    std::unique_ptr<objects::KeyRoute> object_keys_;
    std::unique_ptr<images::Glance> glance_;
    std::unique_ptr<images::ImageCare> image_care_;
    std::unique_ptr<images::ImageRoutes> image_routes_;
    std::vector<http::Route> node_routes_;
    std::unique_ptr<lanes::EdgeThreads> edge_;
    // After the event loops: its connections to Keystone live on them.
    std::unique_ptr<auth::Authenticator> authenticator_;
    std::unique_ptr<Heartbeat> heartbeat_;
    std::vector<std::unique_ptr<lanes::Lane>> lanes_;
    lanes::Lane* keys_ = nullptr;
    std::unique_ptr<rest::RestDoor> rest_;
    std::unique_ptr<objects::ObjectDoor> objects_;
    std::unique_ptr<objects::CareRoutes> object_care_;
    std::vector<std::unique_ptr<http::Server>> servers_;
    std::unique_ptr<Sweeper> sweeper_;
    std::unique_ptr<Sweeper> header_sweeper_;
    std::unique_ptr<Sweeper> image_sweeper_;
};

}  // namespace

Result<void> run_agent(const config::Config& config) {
    TRY(open_secure_arena({.bytes = static_cast<std::size_t>(config.secure_memory.bytes),
                           .insecure_allow_unlocked_memory = config.secure_memory.insecure_allow_unlocked_memory}));
    open_log(config.log.level, config.log.format);
    if (!secure_arena_usage().locked) log_warning("keys are kept in memory that may be swapped out");
    StopSignals signals;
    Agent agent(config);
    TRY(agent.build());
    agent.start();
    tell_systemd_ready();
    log_info("serving");
    const auto watched = watchdog_time();
    // A third: one late answer of a loop is forgiven.
    const auto tick = watched ? std::min(*watched / 3, LongestTick) : LongestTick;
    auto next_look = std::chrono::steady_clock::now();
    for (;;) {
        if (std::chrono::steady_clock::now() >= next_look) {
            if (agent.look_after_itself()) tell_systemd_alive();
            next_look = std::chrono::steady_clock::now() + tick;
        }
        const std::optional<int> signal = signals.wait(tick);
        if (signal == SIGHUP) {
            tell_systemd_reloading();
            agent.reload();
            tell_systemd_ready();
            log_info("signal {}: log files opened anew", *signal);
        } else if (signal) {
            log_info("signal {}: stopping", *signal);
            break;
        }
    }
    tell_systemd_stopping();
    if (!agent.stop()) {
        return Error{Code::Unavailable, "stopped, but cut connections whose requests took too long", {}};
    }
    log_info("stopped");
    return {};
}

}  // namespace sallyport::app
