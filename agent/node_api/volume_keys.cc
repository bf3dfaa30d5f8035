#include "agent/node_api/volume_keys.h"

#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volume-keys";

Result<core::VolumeCipher> cipher_of(const json::object& body) {
    core::VolumeCipher cipher;
    if (auto given = TRY(optional_text(body, "cipher"))) cipher.cipher = *std::move(given);
    const json::value* bits = body.if_contains("key_size");
    if (bits == nullptr || bits->is_null()) return cipher;
    if (!bits->is_int64() || bits->get_int64() <= 0 || bits->get_int64() > std::numeric_limits<int>::max()) {
        return Error{Code::InvalidInput, "'key_size' must be a number of bits", {}};
    }
    cipher.key_bits = static_cast<int>(bits->get_int64());
    return cipher;
}

/// From an id or a ref, ".../v1/secrets/ID".
Result<SecretId> key_at(const json::object& body, std::string_view member) {
    const std::string given = TRY(required_text(body, member));
    return SecretId(given.substr(given.rfind('/') + 1));
}

Result<json::object> run(core::VolumeKeys& keys, const api::Request& request, const core::Caller& caller) {
    std::string_view verb = request.target;
    verb.remove_prefix(std::min(verb.size(), Root.size()));
    if (request.method != "POST") {
        return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
    }
    const json::object body = TRY(body_of(request));
    const std::string volume = TRY(required_text(body, "volume"));
    if (verb == "/create") {
        const SecretId made = TRY(keys.create(caller, volume, TRY(cipher_of(body))));
        return json::object{{"volume", volume}, {"secret", made.str()}};
    }
    if (verb == "/clone") {
        const SecretId made = TRY(keys.create_like(caller, TRY(key_at(body, "source")), volume));
        return json::object{{"volume", volume}, {"secret", made.str()}};
    }
    if (verb == "/find") {
        json::array secrets;
        for (const SecretId& id : TRY(keys.find(caller, volume))) secrets.emplace_back(id.str());
        return json::object{{"volume", volume}, {"secrets", std::move(secrets)}};
    }
    if (verb == "/delete") {
        const SecretId key = TRY(key_at(body, "secret"));
        TRY(keys.remove(caller, key, volume));
        return json::object{{"volume", volume}, {"secret", key.str()}};
    }
    return Error{Code::NotFound, "there is no " + request.target, {}};
}

}  // namespace

api::Response VolumeKeyRoutes::handle(const api::Request& request, const core::Caller& caller) {
    return answer(run(volume_keys_, request, caller));
}

http::Route VolumeKeyRoutes::route(lanes::Lane& lane) {
    return route_on(lane, std::string(Root), [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    });
}

}  // namespace sallyport::node_api
