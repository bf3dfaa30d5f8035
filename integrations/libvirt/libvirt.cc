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

Result<std::string> read_domain(virConnectPtr connection, const std::string& name) {
    const DomainHandle domain(is_uuid(name) ? library().virDomainLookupByUUIDString(connection, name.c_str())
                                            : library().virDomainLookupByName(connection, name.c_str()));
    if (!domain) {
        if (library().virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) {
            return Error{Code::NotFound, "libvirt knows no domain " + name + " (see `virsh list --all`)", {}};
        }
        return libvirt_error("look up domain " + name);
    }
    const Text xml(library().virDomainGetXMLDesc(domain.get(), 0));
    if (!xml) return libvirt_error("read the XML of domain " + name);
    return std::string(xml.get());
}

/// A connection on its way. libvirt waits for ever for a daemon that accepts and then says nothing (it is stopped, or
/// hangs), so a thread of its own waits, and a caller only for a while.
class Opening {
public:
    static std::shared_ptr<Opening> start(const std::string& uri, const std::shared_ptr<EventLoop>& events) {
        auto opening = std::make_shared<Opening>();
        std::thread([opening, uri, events] {
            auto opened = open_connection(uri, events);
            const std::lock_guard lock(opening->mutex_);
            opening->outcome_.emplace(std::move(opened));
            opening->ended_.notify_all();
        }).detach();
        return opening;
    }

    /// The connection, at most OpeningTime after the start. Error: that of libvirt; `Unavailable` if it goes on.
    Result<Connection> wait() {
        std::unique_lock lock(mutex_);
        if (ended_.wait_until(lock, started_ + OpeningTime, [this] { return outcome_.has_value(); })) return *outcome_;
        return Error{Code::Unavailable, "the daemon does not answer; see `systemctl status libvirtd`", {}};
    }

    bool has_ended() {
        const std::lock_guard lock(mutex_);
        return outcome_.has_value();
    }

private:
    static Result<Connection> open_connection(const std::string& uri, const std::shared_ptr<EventLoop>& events) {
        // The events must outlive the connection.
        Connection opened(library().virConnectOpen(uri.c_str()), [events](virConnectPtr c) {
            if (c != nullptr) library().virConnectClose(c);
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
        return opened;
    }

    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::condition_variable ended_;
    std::optional<Result<Connection>> outcome_;
};

class Libvirt final : public Hypervisor {
public:
    explicit Libvirt(std::string uri) : uri_(std::move(uri)) {}

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
        if (connection_ && library().virConnectIsAlive(connection_.get()) == 1) return connection_;
        connection_.reset();
        // A node whose hypervisor nobody asks for anything has neither the thread nor the library's memory.
        if (!events_) events_ = TRY(start_library());
        if (!opening_) opening_ = Opening::start(uri_, events_);
        auto opened = opening_->wait();
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
    std::mutex changing_;
    std::mutex connection_mutex_;
    std::shared_ptr<EventLoop> events_;  // owners: every Libvirt of the process, and connections; outlives those
    Connection connection_;
    std::shared_ptr<Opening> opening_;  // owners: this and the opening's own thread
};

}  // namespace

std::unique_ptr<Hypervisor> make_libvirt(const LibvirtConfig& config) { return std::make_unique<Libvirt>(config.uri); }

}  // namespace sallyport::libvirt
