#include "integrations/libvirt/libvirt.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "integrations/libvirt/event_loop.h"
#include "integrations/libvirt/library.h"
#include "integrations/libvirt/secret_xml.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"

namespace sallyport::libvirt {
namespace {

// A daemon that leaves three probes, five seconds apart, unanswered is taken for dead.
constexpr int KeepAliveInterval = 5;
constexpr unsigned KeepAliveCount = 3;
// A daemon that runs answers in milliseconds; one that systemd has to start, in a second or two.
constexpr std::chrono::seconds OpeningTime{10};

using Moment = std::chrono::steady_clock::time_point;

struct SecretFree {
    void operator()(virSecret* secret) const noexcept { library().virSecretFree(secret); }
};
using SecretHandle = std::unique_ptr<virSecret, SecretFree>;

struct DomainFree {
    void operator()(virDomain* domain) const noexcept { library().virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainFree>;

struct TextFree {
    void operator()(char* text) const noexcept { std::free(text); }
};
using Text = std::unique_ptr<char, TextFree>;

// Owners: the Libvirt object, and each call that is using it.
using Connection = std::shared_ptr<virConnect>;

/// This thread's last libvirt error. `what` says what was tried ("define the secret of volume …").
Error libvirt_error(const std::string& what) {
    const char* said = library().virGetLastErrorMessage();
    const std::string text = said == nullptr ? "no reason given" : said;
    const std::string detail = "libvirt error " + std::to_string(library().virGetLastErrorCode()) + " of domain " +
                               std::to_string(library().virGetLastErrorDomain());
    switch (library().virGetLastErrorCode()) {  // libvirt's open list, hence a default
        case VIR_ERR_NO_SECRET:
        case VIR_ERR_NO_DOMAIN: return Error{Code::NotFound, "cannot " + what + ": " + text, detail};
        case VIR_ERR_NO_CONNECT:
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_OPERATION_DENIED:
        case VIR_ERR_RPC:
        case VIR_ERR_SYSTEM_ERROR: return Error{Code::Unavailable, "cannot " + what + ": " + text, detail};
        default: return Error{Code::Internal, "libvirt refused to " + what + ": " + text, detail};
    }
}

/// Loads the library, turns its own printing of errors off, and its events on: keep-alive needs them before any
/// connection.
Result<std::shared_ptr<EventLoop>> start_library() {
    TRY(load_library());
    static const bool initialised = [] {
        if (library().virInitialize() != 0) return false;
        library().virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        return true;
    }();
    if (!initialised) return libvirt_error("initialise libvirt");
    return EventLoop::shared();
}

/// Nothing if the secret is not for a volume.
Result<std::optional<VolumeSecret>> describe(virSecretPtr secret) {
    const Text xml(library().virSecretGetXMLDesc(secret, 0));
    if (!xml) return libvirt_error("read the description of a secret");
    return read_secret_description(xml.get());
}

struct KnownSecret {
    SecretHandle handle;
    VolumeSecret description;
};

/// The volume's secret; its handle is null if there is none.
Result<KnownSecret> find_secret(virConnectPtr connection, const VolumeId& volume) {
    SecretHandle handle(
        library().virSecretLookupByUsage(connection, VIR_SECRET_USAGE_TYPE_VOLUME, volume.str().c_str()));
    if (!handle) {
        if (library().virGetLastErrorCode() == VIR_ERR_NO_SECRET) return KnownSecret{};
        return libvirt_error("look up the secret of volume " + volume.str());
    }
    std::optional<VolumeSecret> description = TRY(describe(handle.get()));
    if (!description) {
        return Error{
            Code::Internal, "libvirt describes the secret of volume " + volume.str() + " as another thing's", {}};
    }
    return KnownSecret{std::move(handle), std::move(*description)};
}

Error refused(const VolumeSecret& foreign) {
    const std::string reason = foreign.is_ephemeral ? "its value can be read by whoever may talk to libvirtd"
                                                    : "its value lies in clear under /etc/libvirt/secrets";
    return Error{Code::Refused,
                 "volume " + foreign.volume.str() + " has the libvirt secret " + foreign.uuid.str() +
                     " that Sallyport did not make (Nova does so); " + reason +
                     ": leave it to its maker, or say --force",
                 {}};
}

Result<void> undefine(const KnownSecret& secret) {
    if (library().virSecretUndefine(secret.handle.get()) == 0 || library().virGetLastErrorCode() == VIR_ERR_NO_SECRET)
        return {};
    return libvirt_error("undefine the secret of volume " + secret.description.volume.str());
}

/// Error: `Conflict` if a secret for something else than `volume` bears the uuid.
Result<void> require_free(virConnectPtr connection, const SecretUuid& uuid, const VolumeId& volume) {
    const SecretHandle bearer(library().virSecretLookupByUUIDString(connection, uuid.str().c_str()));
    if (!bearer) {
        if (library().virGetLastErrorCode() == VIR_ERR_NO_SECRET) return {};
        return libvirt_error("look up the secret " + uuid.str());
    }
    const auto description = TRY(describe(bearer.get()));
    if (description && description->volume == volume) return {};
    return Error{Code::Conflict,
                 "libvirt has a secret " + uuid.str() + " already, which is not for volume " + volume.str() +
                     ": give another uuid",
                 {}};
}

Result<SecretHandle> define(virConnectPtr connection, const VolumeId& volume, const std::optional<SecretUuid>& uuid) {
    const std::string definition = TRY(secret_definition(volume, uuid));
    SecretHandle secret(library().virSecretDefineXML(connection, definition.c_str(), 0));
    if (!secret) return libvirt_error("define the secret of volume " + volume.str());
    return secret;
}

Result<void> set_value(virSecretPtr secret, const VolumeId& volume, const SecureBytes& passphrase) {
    const auto value = passphrase.reveal();
    if (library().virSecretSetValue(secret, uchar(value.data()), value.size(), 0) != 0) {
        return libvirt_error("set the value of the secret of volume " + volume.str());
    }
    return {};
}

Result<SecretUuid> uuid_of(virSecretPtr secret) {
    char text[VIR_UUID_STRING_BUFLEN] = {};
    if (library().virSecretGetUUIDString(secret, text) != 0) return libvirt_error("read the uuid of a secret");
    return SecretUuid(text);
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

/// As SecretPlacement says; nothing leaves the choice to libvirt. In lower case, as libvirt writes it.
std::optional<SecretUuid> choose_uuid(const SecretPlacement& placement, const KnownSecret& present) {
    if (placement.uuid) return SecretUuid(lower(placement.uuid->str()));
    // A domain may ask for a present secret by its uuid.
    if (present.handle) return present.description.uuid;
    if (is_uuid(placement.volume.str())) return SecretUuid(lower(placement.volume.str()));
    return std::nullopt;
}

Result<SecretUuid> define_with_value(virConnectPtr connection, const VolumeId& volume,
                                     const std::optional<SecretUuid>& uuid, const SecureBytes& passphrase) {
    const SecretHandle secret = TRY(define(connection, volume, uuid));
    if (auto set = set_value(secret.get(), volume, passphrase); !set) {
        // A secret without a value would pass for one that is there.
        library().virSecretUndefine(secret.get());
        return std::move(set).error();
    }
    return uuid_of(secret.get());
}

Result<SecretUuid> put(virConnectPtr connection, const SecretPlacement& placement, const SecureBytes& passphrase) {
    const KnownSecret present = TRY(find_secret(connection, placement.volume));
    const std::optional<SecretUuid> uuid = choose_uuid(placement, present);
    if (uuid) TRY(require_free(connection, *uuid, placement.volume));
    if (!present.handle) return define_with_value(connection, placement.volume, uuid, passphrase);

    if (!present.description.is_ours() && placement.if_foreign == ForeignSecret::Refuse) {
        return refused(present.description);
    }
    if (present.description.is_ours() && present.description.uuid == uuid) {
        TRY(set_value(present.handle.get(), placement.volume, passphrase));
        return present.description.uuid;
    }
    // libvirt cannot change the uuid of a secret or its privacy, and redefining a persistent one as ephemeral leaves
    // a file that comes back as a secret without a value: only undefine cleans up.
    TRY(undefine(present));
    return define_with_value(connection, placement.volume, uuid, passphrase);
}

Result<bool> drop(virConnectPtr connection, const VolumeId& volume, ForeignSecret if_foreign) {
    const KnownSecret present = TRY(find_secret(connection, volume));
    if (!present.handle) return false;
    if (!present.description.is_ours() && if_foreign == ForeignSecret::Refuse) return refused(present.description);
    TRY(undefine(present));
    return true;
}

Result<std::vector<VolumeSecret>> list(virConnectPtr connection) {
    virSecretPtr* array = nullptr;
    const int count = library().virConnectListAllSecrets(connection, &array, 0);
    if (count < 0) return libvirt_error("list the secrets");
    const std::unique_ptr<virSecretPtr, decltype(&std::free)> array_owner(array, &std::free);
    std::vector<SecretHandle> handles;
    for (int i = 0; i < count; ++i) handles.emplace_back(array[i]);

    std::vector<VolumeSecret> secrets;
    for (const SecretHandle& handle : handles) {
        auto described = describe(handle.get());
        // Another client may have undefined it since.
        if (!described && described.error().code == Code::NotFound) continue;
        const std::optional<VolumeSecret> secret = TRY(std::move(described));
        if (secret) secrets.push_back(*secret);
    }
    std::ranges::sort(secrets, {}, &VolumeSecret::volume);
    return secrets;
}

Result<DomainHandle> find_domain(virConnectPtr connection, const std::string& name) {
    DomainHandle domain(is_uuid(name) ? library().virDomainLookupByUUIDString(connection, name.c_str())
                                      : library().virDomainLookupByName(connection, name.c_str()));
    if (!domain) {
        if (library().virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) {
            return Error{Code::NotFound, "libvirt knows no domain " + name + " (see `virsh list --all`)", {}};
        }
        return libvirt_error("look up domain " + name);
    }
    return domain;
}

Result<bool> start_domain(virConnectPtr connection, const std::string& name) {
    const DomainHandle domain = TRY(find_domain(connection, name));
    int autostart = 0;
    if (library().virDomainGetAutostart(domain.get(), &autostart) != 0) {
        return libvirt_error("read whether domain " + name + " starts by itself");
    }
    if (autostart == 0 || library().virDomainIsActive(domain.get()) == 1) return false;
    if (library().virDomainCreate(domain.get()) != 0) return libvirt_error("start domain " + name);
    return true;
}

Result<std::string> read_domain(virConnectPtr connection, const std::string& name) {
    const DomainHandle domain = TRY(find_domain(connection, name));
    const Text xml(library().virDomainGetXMLDesc(domain.get(), 0));
    if (!xml) return libvirt_error("read the XML of domain " + name);
    return std::string(xml.get());
}

Result<std::vector<RunningDomain>> read_running(virConnectPtr connection) {
    virDomainPtr* array = nullptr;
    const int count = library().virConnectListAllDomains(connection, &array, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) return libvirt_error("list the domains that run");
    const std::unique_ptr<virDomainPtr, decltype(&std::free)> array_owner(array, &std::free);
    std::vector<DomainHandle> handles;
    for (int i = 0; i < count; ++i) handles.emplace_back(array[i]);

    std::vector<RunningDomain> running;
    for (const DomainHandle& handle : handles) {
        const char* name = library().virDomainGetName(handle.get());
        const Text xml(library().virDomainGetXMLDesc(handle.get(), 0));
        if (xml && name != nullptr) {
            running.push_back({name, xml.get()});
        } else if (library().virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) {  // else it has ended since
            return libvirt_error("read the XML of a domain that runs");
        }
    }
    return running;
}

/// Whom the events of a connection are told to. Outlives the connections that know it, and the Libvirt object.
class Listener {
public:
    void set(std::function<void(HypervisorChange)> changed) {
        const std::lock_guard lock(mutex_);
        changed_ = std::move(changed);
    }
    void tell(HypervisorChange change) {
        const std::lock_guard lock(mutex_);
        if (changed_) changed_(change);
    }
    bool is_listening() {
        const std::lock_guard lock(mutex_);
        return static_cast<bool>(changed_);
    }

private:
    std::mutex mutex_;
    std::function<void(HypervisorChange)> changed_;
};

/// libvirt's view of a listener: it keeps one of these for each callback, and frees it with drop_listener.
using ListenerRef = std::shared_ptr<Listener>;
void drop_listener(void* opaque) { delete static_cast<ListenerRef*>(opaque); }
void tell_domains(void* opaque) { (*static_cast<ListenerRef*>(opaque))->tell(HypervisorChange::Domains); }
int on_lifecycle(virConnectPtr, virDomainPtr, int, int, void* opaque) {
    tell_domains(opaque);
    return 0;  // of no account
}
void on_device(virConnectPtr, virDomainPtr, const char*, void* opaque) { tell_domains(opaque); }
void on_close(virConnectPtr, int, void* opaque) {
    (*static_cast<ListenerRef*>(opaque))->tell(HypervisorChange::Connection);
}

/// libvirt takes callbacks of all kinds as one type; the detour is the one that compilers know to be meant.
template <class Callback>
virConnectDomainEventGenericCallback as_generic(Callback* callback) {
    return reinterpret_cast<virConnectDomainEventGenericCallback>(reinterpret_cast<void (*)()>(callback));
}

/// The callbacks of one connection. libvirt holds the connection for each of them: they go before it is closed.
class Subscriptions {
public:
    explicit Subscriptions(virConnectPtr connection) : connection_(connection) {}

    Result<void> add(const ListenerRef& listener) {
        TRY(add_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, as_generic(on_lifecycle), listener));
        TRY(add_event(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, as_generic(on_device), listener));
        TRY(add_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, as_generic(on_device), listener));
        // Ours to free: a driver that knows no such callback takes it all the same, and never frees it.
        closing_ = std::make_unique<ListenerRef>(listener);
        if (library().virConnectRegisterCloseCallback(connection_, on_close, closing_.get(), nullptr) == 0) {
            has_close_ = true;
        } else if (library().virGetLastErrorCode() != VIR_ERR_NO_SUPPORT) {
            return libvirt_error("watch the connection");
        }
        return {};
    }

    void remove() {
        for (const int id : events_) library().virConnectDomainEventDeregisterAny(connection_, id);
        if (has_close_) library().virConnectUnregisterCloseCallback(connection_, on_close);
    }

private:
    // A driver without such events (libvirt's own for tests) is watched by looking now and then.
    Result<void> add_event(int event, virConnectDomainEventGenericCallback callback, const ListenerRef& listener) {
        auto opaque = std::make_unique<ListenerRef>(listener);
        const int id = library().virConnectDomainEventRegisterAny(connection_, nullptr, event, callback, opaque.get(),
                                                                  drop_listener);
        if (id >= 0) {
            static_cast<void>(opaque.release());
            events_.push_back(id);
            return {};
        }
        if (library().virGetLastErrorCode() == VIR_ERR_NO_SUPPORT) return {};
        return libvirt_error("watch the domains");
    }

    virConnectPtr connection_;
    std::vector<int> events_;
    std::unique_ptr<ListenerRef> closing_;
    bool has_close_ = false;
};

/// A connection on its way. libvirt waits for ever for a daemon that accepts and then says nothing (it is stopped, or
/// hangs), so a thread of its own waits, and a caller only for a while.
class Opening {
public:
    static std::shared_ptr<Opening> start(const std::string& uri, const std::shared_ptr<EventLoop>& events,
                                          const ListenerRef& listener) {
        auto opening = std::make_shared<Opening>();
        std::thread([opening, uri, events, listener] {
            auto opened = open_connection(uri, events, listener);
            const std::lock_guard lock(opening->mutex_);
            opening->outcome_.emplace(std::move(opened));
            opening->ended_.notify_all();
        }).detach();
        return opening;
    }

    /// The connection, at most OpeningTime after the start, or at `until`. Error: that of libvirt; `Unavailable` if it
    /// goes on.
    Result<Connection> wait(Moment until) {
        std::unique_lock lock(mutex_);
        const Moment latest = std::min(until, started_ + OpeningTime);
        if (ended_.wait_until(lock, latest, [this] { return outcome_.has_value(); })) return *outcome_;
        return Error{Code::Unavailable, "the daemon does not answer; see `systemctl status libvirtd`", {}};
    }

    bool has_ended() {
        const std::lock_guard lock(mutex_);
        return outcome_.has_value();
    }

private:
    static Result<Connection> open_connection(const std::string& uri, const std::shared_ptr<EventLoop>& events,
                                              const ListenerRef& listener) {
        virConnectPtr raw = library().virConnectOpen(uri.c_str());
        // Owners: the connection's deleter and this function. The events must outlive the connection.
        const auto subscriptions = std::make_shared<Subscriptions>(raw);
        Connection opened(raw, [events, subscriptions](virConnectPtr c) {
            if (c == nullptr) return;
            subscriptions->remove();
            library().virConnectClose(c);
        });
        if (!opened) {
            return Error{Code::Unavailable,
                         std::string(library().virGetLastErrorMessage()) +
                             "; is libvirtd running (systemctl status libvirtd), and may this user talk to it?",
                         {}};
        }
        // Drivers without a daemon behind them have nothing to probe.
        if (library().virConnectSetKeepAlive(opened.get(), KeepAliveInterval, KeepAliveCount) < 0 &&
            library().virGetLastErrorCode() != VIR_ERR_NO_SUPPORT) {
            return libvirt_error("turn keep-alive on");
        }
        if (listener->is_listening()) {
            TRY(subscriptions->add(listener));
            listener->tell(HypervisorChange::Connection);
        }
        return opened;
    }

    const Moment started_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::condition_variable ended_;
    std::optional<Result<Connection>> outcome_;
};

class Libvirt final : public Hypervisor {
public:
    explicit Libvirt(std::string uri) : uri_(std::move(uri)) {}
    ~Libvirt() override { listener_->set(nullptr); }
    Libvirt(const Libvirt&) = delete;
    Libvirt& operator=(const Libvirt&) = delete;

    Result<SecretUuid> put_secret(const SecretPlacement& placement, const SecureBytes& passphrase) override {
        TRY(secret_definition(placement.volume, placement.uuid));
        if (passphrase.empty()) {
            return Error{Code::InvalidInput, "the passphrase for volume " + placement.volume.str() + " is empty", {}};
        }
        const std::lock_guard one_change_at_a_time(changing_);
        return on_connection([&placement, &passphrase](virConnectPtr c) { return put(c, placement, passphrase); });
    }

    Result<bool> drop_secret(const VolumeId& volume, ForeignSecret if_foreign) override {
        TRY(secret_definition(volume, std::nullopt));
        const std::lock_guard one_change_at_a_time(changing_);
        return on_connection([&volume, if_foreign](virConnectPtr c) { return drop(c, volume, if_foreign); });
    }

    Result<std::vector<VolumeSecret>> list_secrets() override { return on_connection(&list); }

    Result<std::string> domain_xml(const std::string& domain) override {
        return on_connection([&domain](virConnectPtr c) { return read_domain(c, domain); });
    }

    Result<std::vector<RunningDomain>> running_domains() override { return on_connection(&read_running); }

    bool answers(std::chrono::milliseconds within) override {
        const Moment until = std::chrono::steady_clock::now() + within;
        // Somebody else may be waiting for the connection, and longer.
        const std::unique_lock lock(connection_mutex_, until);
        return lock.owns_lock() && connect_by(until).has_value();
    }

    Result<bool> start_if_autostart(const std::string& domain) override {
        return on_connection([&domain](virConnectPtr c) { return start_domain(c, domain); });
    }

    void watch(std::function<void(HypervisorChange)> changed) override { listener_->set(std::move(changed)); }

private:
    /// Every operation can be repeated as a whole, so a connection that turns out to have ended is replaced once.
    template <class Operation>
    auto on_connection(const Operation& operation) -> decltype(operation(virConnectPtr())) {
        const Connection first = TRY(connect());
        auto result = operation(first.get());
        if (result || library().virConnectIsAlive(first.get()) == 1) return result;
        log_info("the connection to libvirt at {} has ended; opening another", uri_);
        forget(first);
        const Connection second = TRY(connect());
        return operation(second.get());
    }

    Result<Connection> connect() {
        const std::lock_guard lock(connection_mutex_);
        return connect_by(Moment::max());
    }

    /// With connection_mutex_ held.
    Result<Connection> connect_by(Moment until) {
        if (connection_ && library().virConnectIsAlive(connection_.get()) == 1) return connection_;
        connection_.reset();
        // A node whose hypervisor nobody asks for anything has neither the thread nor the library's memory.
        if (!events_) events_ = TRY(start_library());
        if (!opening_) opening_ = Opening::start(uri_, events_, listener_);
        auto opened = opening_->wait(until);
        if (!opened) {
            Error error = std::move(opened).error();
            error.message = "cannot connect to libvirt at " + uri_ + ": " + error.message;
            if (opening_->has_ended()) opening_.reset();
            return error;
        }
        opening_.reset();
        connection_ = *std::move(opened);
        return connection_;
    }

    void forget(const Connection& ended) {
        const std::lock_guard lock(connection_mutex_);
        if (connection_ == ended) connection_.reset();
    }

    const std::string uri_;
    const ListenerRef listener_ = std::make_shared<Listener>();  // owners: this, and libvirt for each callback
    std::mutex changing_;
    std::timed_mutex connection_mutex_;
    std::shared_ptr<EventLoop> events_;  // owners: every Libvirt of the process, and connections; outlives those
    Connection connection_;
    std::shared_ptr<Opening> opening_;  // owners: this and the opening's own thread
};

}  // namespace

std::unique_ptr<Hypervisor> make_libvirt(const LibvirtConfig& config) { return std::make_unique<Libvirt>(config.uri); }

}  // namespace sallyport::libvirt
