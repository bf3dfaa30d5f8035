#include "agent/node_api/volume_care.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/node_api/answer.h"
#include "agent/node_api/erasure_certificate.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"
#include "agent/node_api/volume_care_json.h"
#include "agent/node_api/volume_ledger.h"
#include "agent/node_api/volumes.h"
#include "integrations/volume/clone.h"
#include "integrations/volume/erase.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/reencrypt.h"
#include "integrations/volume/rotate.h"
#include "keymanager/base/uuid.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volume-care";

/// As LUKS headers have their uuids.
std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

bool flag_at(const json::object& body, std::string_view member) {
    const json::value* value = body.if_contains(member);
    return value != nullptr && value->is_bool() && value->get_bool();
}

/// One request on its way through the verbs.
struct Verbs {
    const VolumeCareRoutes::Passphrases& passphrases;
    const VolumeCareConfig& config;
    const core::Caller& caller;
    VolumeLedger ledger;
    core::VolumeKeys& volume_keys;

    Result<volume::DevicePath> device(const json::object& body) const {
        return checked_path(TRY(required_text(body, "device")));
    }

    /// Whose header: named by its uuid, or found on the device.
    Result<model::VolumeUuid> volume(const json::object& body) {
        if (auto uuid = TRY(optional_text(body, "uuid"))) return model::VolumeUuid(*std::move(uuid));
        return volume::volume_on(TRY(device(body)), ledger);
    }

    /// A kept header: the version that is asked for, else the newest that is whole (what a restore replaced is kept
    /// too, damaged as it was).
    struct Chosen {
        int version = 0;
        volume::HeaderBackup header;
    };
    Result<Chosen> header(const json::object& body, const model::VolumeUuid& uuid) {
        if (const json::value* wanted = body.if_contains("version"); wanted != nullptr && wanted->is_int64()) {
            const int version = static_cast<int>(std::clamp<std::int64_t>(wanted->get_int64(), 0, 1 << 30));
            return Chosen { version, TRY(volume::kept_header(ledger, uuid, version)) };
        }
        const auto kept = TRY(ledger.headers(uuid));
        for (const model::HeaderVersion& one : kept) {
            auto header = volume::kept_header(ledger, uuid, one.version);
            if (header) return Chosen{one.version, *std::move(header)};
            if (header.error().code != Code::Corrupt && header.error().code != Code::InvalidInput)
                return header.error();
        }
        return Error{Code::NotFound, "the key manager keeps no whole header of volume " + uuid.str(), {}};
    }

    Result<json::object> backup(const json::object& body) {
        return to_json(TRY(volume::keep_header_of(TRY(device(body)), ledger, "request")));
    }

    Result<json::object> list(const json::object& body) {
        const model::VolumeUuid uuid = TRY(volume(body));
        json::array versions;
        const auto kept = TRY(ledger.headers(uuid));
        for (const model::HeaderVersion& version : kept) versions.push_back(to_json(version));
        return json::object{{"uuid", uuid.str()}, {"versions", std::move(versions)}};
    }

    /// Of all volumes of this machine, whosever they are: as `doctor` shows it.
    Result<json::object> check() const {
        if (config.scrub == nullptr) return Error{Code::NotFound, "no copies of headers are kept here", {}};
        return to_json(TRY(config.scrub->run()));
    }

    Result<json::object> export_header(const json::object& body) {
        const model::VolumeUuid uuid = TRY(volume(body));
        const volume::DevicePath destination = TRY(checked_new_path(TRY(required_text(body, "destination"))));
        const Chosen chosen = TRY(header(body, uuid));
        TRY(volume::write_header_file(chosen.header, destination.str()));
        return json::object{{"uuid", uuid.str()}, {"version", chosen.version}, {"destination", destination.str()}};
    }

    Result<json::object> restore(const json::object& body) {
        const volume::DevicePath path = TRY(device(body));
        const model::VolumeUuid uuid = TRY(volume(body));
        const Chosen chosen = TRY(header(body, uuid));
        volume::Ledger* keep = config.keep_copies ? &ledger : nullptr;
        const auto report = TRY(volume::restore_header(chosen.header, path, keep, flag_at(body, "force")));
        json::object answer{{"device", path.str()}, {"uuid", uuid.str()}, {"version", chosen.version}};
        if (report.replaced_version) answer["replaced_version"] = *report.replaced_version;
        return answer;
    }

    /// Who fetches the keys: the caller, or the volume's owner in whose name a migration works. The policy decides
    /// about him, and no key leaves the agent.
    Result<core::Caller> reader_of(const json::object& body) const {
        const json::value* owner = body.if_contains("owner");
        if (owner == nullptr) return caller;
        if (!owner->is_object()) return Error{Code::InvalidInput, "'owner' must be an object", {}};
        core::Caller reader;
        reader.user = UserId(TRY(required_text(owner->get_object(), "user")));
        reader.project = ProjectId(TRY(required_text(owner->get_object(), "project")));
        reader.roles = {"creator"};
        return reader;
    }

    Result<json::object> rotate(const json::object& body) {
        const volume::DevicePath path = TRY(device(body));
        volume::RotateOptions options;
        options.ledger = &ledger;
        options.old_secret = SecretId(TRY(required_text(body, "secret")));
        options.new_secret = SecretId(TRY(required_text(body, "new_secret")));
        options.keep_copies = config.keep_copies;
        options.keep_old = flag_at(body, "keep_old");
        const core::Caller reader = TRY(reader_of(body));
        const volume::Passphrase old_key = TRY(passphrases(reader, options.old_secret));
        const volume::Passphrase new_key = TRY(passphrases(reader, options.new_secret));
        return to_json(TRY(volume::rotate_key(path, old_key, new_key, options)));
    }

    /// The clone's own key is found again if it was made by a call before this one.
    Result<json::object> rekey_clone(const json::object& body) {
        const volume::DevicePath path = TRY(device(body));
        const SecretId source(TRY(required_text(body, "secret")));
        const std::string name = TRY(required_text(body, "volume"));
        if (!is_uuid(name)) {
            return Error{Code::InvalidInput,
                         "'" + name + "' is no UUID: the clone's id in Cinder becomes the uuid in its LUKS header",
                         {}};
        }
        const volume::Passphrase source_key = TRY(passphrases(caller, source));
        const SecretId own = TRY(volume_keys.create_like(caller, source, name));
        const volume::Passphrase own_key = TRY(passphrases(caller, own));
        const volume::CloneOptions options{.ledger = ledger,
                                           .source_secret = source,
                                           .own_secret = own,
                                           .uuid = model::VolumeUuid(lower_case(name)),
                                           .keep_copies = config.keep_copies,
                                           .force = flag_at(body, "force")};
        json::object answer = to_json(TRY(volume::rekey_clone(path, source_key, own_key, options)));
        answer["volume"] = name;
        answer["secret"] = own.str();
        return answer;
    }

    Result<json::object> reencrypt(const json::object& body) {
        const volume::DevicePath path = TRY(device(body));
        volume::ReencryptOptions options;
        options.ledger = &ledger;
        options.secret = SecretId(TRY(required_text(body, "secret")));
        options.keep_copies = config.keep_copies;
        options.in_use = flag_at(body, "in_use");
        if (const json::value* zone = body.if_contains("zone_mib"); zone != nullptr && zone->is_int64()) {
            const auto wanted = static_cast<std::uint64_t>(std::clamp<std::int64_t>(zone->get_int64(), 0, 1 << 20));
            options.zone = wanted * volume::ReencryptOptions::MiB;
        }
        std::optional<ProgressBoard::Line> line;
        std::string job;
        if (config.board != nullptr && body.contains("job")) {
            job = TRY(required_text(body, "job"));
            line.emplace(TRY(config.board->begin(job)));
        }
        options.more = [this, &job](std::uint64_t done, std::uint64_t total) {
            if (config.board != nullptr && !job.empty()) config.board->update(job, done, total);
            return !config.may_go_on || config.may_go_on();
        };
        const volume::Passphrase key = TRY(passphrases(caller, options.secret));
        return to_json(TRY(volume::reencrypt_volume(path, key, options)));
    }

    Result<json::object> erase(const json::object& body) {
        const volume::DevicePath path = TRY(device(body));
        volume::EraseOptions options;
        options.ledger = &ledger;
        options.secret = SecretId(TRY(required_text(body, "secret")));
        options.drop_cached = config.drop_cached;
        if (auto name = TRY(optional_text(body, "volume"))) ledger.set_registered_name(*std::move(name));
        // Of an erasure that was interrupted the key may be gone; whether one was, the device or the record says.
        auto key = passphrases(caller, *options.secret);
        if (!key && key.error().code != Code::NotFound) return std::move(key).error();
        const CertificateFolder folder = TRY(CertificateFolder::open(config.erasures));
        const EraseScene scene{config.host, "user " + caller.user.str() + " of project " + caller.project.str(),
                               config.program};
        json::object certificate;
        options.certify = [&folder, &scene, &certificate](const volume::EraseReport& report) -> Result<void> {
            certificate = TRY(certificate_of(report, scene, folder.key()));
            const std::string file = TRY(folder.write(report.volume.uuid, certificate));
            certificate["file"] = file;
            return {};
        };
        TRY(volume::erase_volume(path, key ? &*key : nullptr, options));
        return certificate;
    }

    Result<json::object> run(const api::Request& request) {
        if (!is_admin(caller)) return Error{Code::Forbidden, "volumes are for callers with the role admin", {}};
        std::string_view verb = request.target;
        verb.remove_prefix(std::min(verb.size(), Root.size()));
        if (request.method != "POST")
            return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
        const json::object body = TRY(body_of(request));
        if (verb == "/header-backup") return backup(body);
        if (verb == "/header-list") return list(body);
        if (verb == "/header-check") return check();
        if (verb == "/header-export") return export_header(body);
        if (verb == "/header-restore") return restore(body);
        if (verb == "/rotate") return rotate(body);
        if (verb == "/rekey-clone") return rekey_clone(body);
        if (verb == "/reencrypt") return reencrypt(body);
        if (verb == "/erase") return erase(body);
        return Error{Code::NotFound, "there is no " + request.target, {}};
    }
};

}  // namespace

api::Response VolumeCareRoutes::handle(const api::Request& request, const core::Caller& caller) {
    return answer(Verbs{passphrases_, config_, caller, VolumeLedger(key_manager_.volumes(), caller, config_.host),
                        key_manager_.volume_keys()}
                      .run(request));
}

http::Route VolumeCareRoutes::route(lanes::Lane& lane, lanes::Lane& long_lane) {
    const Handler work = [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    };
    auto briefly = route_on(lane, std::string(Root), work).handler;
    auto at_length = route_on(long_lane, std::string(Root), work).handler;
    const auto handler = [briefly, at_length](const api::Request& request,
                                              const core::Caller& caller) -> http::asio::awaitable<api::Response> {
        auto answering = request.target.ends_with("/reencrypt") ? at_length(request, caller) : briefly(request, caller);
        co_return co_await std::move(answering);
    };
    return {std::string(Root), handler};
}

}  // namespace sallyport::node_api
