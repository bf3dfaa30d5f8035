#include "agent/node_api/hypervisor.h"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"
#include "integrations/libvirt/domain_secrets.h"
#include "integrations/volume/passphrase.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/uuid.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using libvirt::ForeignSecret;
using libvirt::SecretPlacement;
using libvirt::SecretUuid;
using libvirt::VolumeId;

constexpr std::string_view Prefix = "/sallyport/v1/libvirt";
constexpr std::string_view HookVerb = "/hook";
constexpr std::string_view TheOnlyDisk = "*";
constexpr std::chrono::milliseconds LongestHook{std::chrono::minutes(10)};

/// One passphrase to be put: whose key, and where.
struct Injection {
    std::string disk;  ///< empty: asked for by volume
    SecretPlacement placement;
    SecretId key;
};

struct DomainInjection {
    std::string domain;
    std::map<std::string, SecretId> keys;  ///< by disk or volume, or TheOnlyDisk
    ForeignSecret if_foreign = ForeignSecret::Refuse;
};

/// From an id or a ref, ".../v1/secrets/ID".
Result<SecretId> required_key(const json::object& body, std::string_view member) {
    const std::string given = TRY(required_text(body, member));
    const std::string id = given.substr(given.rfind('/') + 1);
    if (!is_uuid(id)) return Error{Code::InvalidInput, "'" + given + "' is no id of a key", {}};
    return SecretId(id);
}

Result<ForeignSecret> read_if_foreign(const json::object& body) {
    const json::value* force = body.if_contains("force");
    if (force == nullptr || force->is_null()) return ForeignSecret::Refuse;
    if (!force->is_bool()) return Error{Code::InvalidInput, "'force' must be true or false", {}};
    return force->get_bool() ? ForeignSecret::Replace : ForeignSecret::Refuse;
}

Result<Injection> read_volume_injection(const json::object& body) {
    Injection wanted;
    wanted.placement.volume = VolumeId(TRY(required_text(body, "volume")));
    wanted.placement.if_foreign = TRY(read_if_foreign(body));
    if (auto uuid = TRY(optional_text(body, "uuid"))) wanted.placement.uuid = SecretUuid(*std::move(uuid));
    wanted.key = TRY(required_key(body, "key"));
    return wanted;
}

Result<DomainInjection> read_domain_injection(const json::object& body) {
    DomainInjection wanted;
    wanted.domain = TRY(required_text(body, "domain"));
    wanted.if_foreign = TRY(read_if_foreign(body));
    const json::value* keys = body.if_contains("keys");
    if (keys == nullptr || !keys->is_object() || keys->get_object().empty()) {
        return Error{Code::InvalidInput, "'keys' must be an object of disks or volumes and their keys", {}};
    }
    for (const auto& entry : keys->get_object()) {
        const std::string disk(entry.key());
        wanted.keys.emplace(disk, TRY(required_key(keys->get_object(), disk)));
    }
    return wanted;
}

const SecretId* key_for(const DomainInjection& wanted, const libvirt::DiskSecret& secret) {
    for (const std::string& name : {secret.disk, secret.volume().str(), std::string(TheOnlyDisk)}) {
        const auto found = wanted.keys.find(name);
        if (!name.empty() && found != wanted.keys.end()) return &found->second;
    }
    return nullptr;
}

Result<void> require_all_used(const DomainInjection& wanted, const std::vector<libvirt::DiskSecret>& needed) {
    for (const auto& [name, key] : wanted.keys) {
        const bool used =
            name == TheOnlyDisk || std::ranges::any_of(needed, [&name](const libvirt::DiskSecret& secret) {
                return secret.disk == name || secret.volume().str() == name;
            });
        if (!used) return Error{Code::InvalidInput, "domain " + wanted.domain + " has no encrypted disk " + name, {}};
    }
    return {};
}

/// Which key goes to which secret of the domain. Error: `InvalidInput` if one lacks its key or its volume, or if a key
/// is for nothing.
Result<std::vector<Injection>> match_keys(const DomainInjection& wanted, std::string_view domain_xml) {
    const std::vector<libvirt::DiskSecret> needed = TRY(libvirt::domain_secrets(domain_xml));
    if (needed.empty()) return Error{Code::InvalidInput, "domain " + wanted.domain + " has no encrypted disk", {}};
    if (wanted.keys.contains(std::string(TheOnlyDisk)) && needed.size() > 1) {
        return Error{Code::InvalidInput,
                     "domain " + wanted.domain + " has " + std::to_string(needed.size()) +
                         " encrypted disks: say which key is for which (vda=ID)",
                     {}};
    }
    TRY(require_all_used(wanted, needed));
    std::vector<Injection> injections;
    for (const libvirt::DiskSecret& secret : needed) {
        const SecretId* key = key_for(wanted, secret);
        if (key == nullptr) {
            return Error{
                Code::InvalidInput, "disk " + secret.disk + " of domain " + wanted.domain + " lacks its key", {}};
        }
        if (secret.volume().empty()) {
            return Error{Code::InvalidInput,
                         "disk " + secret.disk + " of domain " + wanted.domain +
                             " does not say its volume (no usage, no serial): inject by volume, with uuid " +
                             secret.uuid.str(),
                         {}};
        }
        SecretPlacement placement{.volume = secret.volume(), .if_foreign = wanted.if_foreign};
        if (!secret.uuid.empty()) placement.uuid = secret.uuid;
        injections.push_back({secret.disk, std::move(placement), *key});
    }
    return injections;
}

/// One request on its way.
struct Verbs {
    libvirt::Hypervisor& hypervisor;
    guests::Keeper& keeper;
    guests::VolumeKeys& volume_keys;
    const core::Caller& caller;

    Result<json::object> run(const api::Request& request) const {
        if (!is_admin(caller)) {
            return Error{Code::Forbidden, "the hypervisor's secrets are for callers with the role admin", {}};
        }
        const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
        const std::string_view verb = path.substr(std::min(path.size(), Prefix.size()));
        if (verb.empty() && request.method == "GET") return list();
        if (verb == "/inject" && request.method == "POST") return inject(TRY(body_of(request)));
        if (verb == "/drop" && request.method == "POST") return drop(TRY(body_of(request)));
        if (verb == "/sync" && request.method == "POST") return sync(TRY(body_of(request)));
        if (verb == HookVerb && request.method == "POST") return hook(TRY(body_of(request)));
        return Error{Code::NotFound, "there is no " + request.method + " " + std::string(path), {}};
    }

    Result<json::object> list() const {
        const std::vector<libvirt::VolumeSecret> secrets = TRY(hypervisor.list_secrets());
        json::array rows;
        for (const libvirt::VolumeSecret& secret : secrets) {
            rows.push_back({{"volume", secret.volume.str()},
                            {"uuid", secret.uuid.str()},
                            {"ephemeral", secret.is_ephemeral},
                            {"private", secret.is_private},
                            {"ours", secret.is_ours()}});
        }
        return json::object{{"secrets", std::move(rows)}};
    }

    Result<json::object> drop(const json::object& body) const {
        const VolumeId volume(TRY(required_text(body, "volume")));
        const ForeignSecret if_foreign = TRY(read_if_foreign(body));
        return json::object{{"dropped", TRY(keeper.drop(caller, volume, if_foreign))}};
    }

    Result<json::object> inject(const json::object& body) const {
        const std::vector<Injection> injections = TRY(read_injections(body));
        // All keys first: a caller without the right to one of them changes nothing.
        std::vector<volume::Passphrase> keys;
        for (const Injection& injection : injections)
            keys.push_back(TRY(volume_keys.passphrase(caller, injection.key)));
        json::array rows;
        for (std::size_t i = 0; i < injections.size(); ++i) {
            const auto& [disk, placement, key] = injections[i];
            const SecretUuid uuid = TRY(keeper.put(caller, placement, key, keys[i]));
            json::object row{{"volume", placement.volume.str()}, {"uuid", uuid.str()}};
            if (!disk.empty()) row["disk"] = disk;
            rows.push_back(std::move(row));
        }
        return json::object{{"secrets", std::move(rows)}};
    }

    Result<json::object> sync(const json::object& body) const {
        return to_rows(TRY(keeper.sync(caller, TRY(read_if_foreign(body)))));
    }

    Result<json::object> hook(const json::object& body) const {
        const std::string domain = TRY(required_text(body, "domain"));
        const json::value* disks = body.if_contains("disks");
        const json::value* time = body.if_contains("milliseconds");
        if (disks == nullptr || !disks->is_array() || time == nullptr || !time->is_int64() || time->get_int64() < 0 ||
            time->get_int64() > LongestHook.count()) {
            return Error{Code::InvalidInput, "a hook's call has 'disks', a list, and 'milliseconds'", {}};
        }
        std::vector<guests::Need> needs;
        for (const json::value& disk : disks->get_array()) {
            if (!disk.is_object()) return Error{Code::InvalidInput, "a disk is an object", {}};
            needs.push_back(TRY(need_from(disk.get_object(), domain)));
        }
        return to_rows(TRY(keeper.prepare(caller, domain, needs, std::chrono::milliseconds(time->get_int64()))));
    }

    static json::object to_rows(const std::vector<guests::Row>& rows) {
        json::array secrets;
        for (const guests::Row& row : rows) {
            secrets.push_back({{"volume", row.volume.str()},
                               {"action", guests::text_of(row.action)},
                               {"uuid", row.uuid},
                               {"domain", row.domain},
                               {"disk", row.disk},
                               {"reason", row.reason}});
        }
        return {{"secrets", std::move(secrets)}};
    }

    Result<std::vector<Injection>> read_injections(const json::object& body) const {
        if (!body.contains("domain")) {
            Injection wanted = TRY(read_volume_injection(body));
            return std::vector{std::move(wanted)};
        }
        const DomainInjection wanted = TRY(read_domain_injection(body));
        const std::string xml = TRY(hypervisor.domain_xml(wanted.domain));
        return match_keys(wanted, xml);
    }
};

}  // namespace

json::object to_json(const guests::Need& need) {
    json::object disk{{"volume", need.volume.str()}, {"disk", need.disk}, {"device", need.device}};
    if (need.uuid) disk["uuid"] = need.uuid->str();
    return disk;
}

Result<guests::Need> need_from(const json::object& disk, const std::string& domain) {
    guests::Need need;
    need.domain = domain;
    need.volume = VolumeId(TRY(required_text(disk, "volume")));
    if (auto uuid = TRY(optional_text(disk, "uuid"))) need.uuid = SecretUuid(*std::move(uuid));
    for (const auto& [member, text] : {std::pair("disk", &need.disk), std::pair("device", &need.device)}) {
        const json::value* found = disk.if_contains(member);
        if (found != nullptr && found->is_string()) *text = std::string(found->get_string());
    }
    return need;
}

api::Response HypervisorRoutes::handle(const api::Request& request, const core::Caller& caller) {
    return answer(Verbs{hypervisor_, keeper_, keys_, caller}.run(request));
}

http::Route HypervisorRoutes::route(lanes::Lane& lane) { return route_at(std::string(Prefix), lane); }

http::Route HypervisorRoutes::hook_route(lanes::Lane& lane) {
    return route_at(std::string(Prefix) + std::string(HookVerb), lane);
}

http::Route HypervisorRoutes::route_at(std::string prefix, lanes::Lane& lane) {
    return route_on(lane, std::move(prefix), [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    });
}

}  // namespace sallyport::node_api
