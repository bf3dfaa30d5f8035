#include "agent/cli/agent_rotator.h"

#include <boost/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/cinder_probe.h"
#include "agent/cli/volume_options.h"

namespace sallyport::cli {

namespace json = boost::json;
using migration::KeyOwner;

bool AgentRotator::reaches(const std::string& volume) { return volume_path(paths_, volume).has_value(); }

Result<SecretId> AgentRotator::make_key(const std::string& name, const KeyOwner& owner) {
    json::object wanted = owner_json(owner);
    wanted["name"] = name;
    const json::value answer =
        TRY(AgentClient(socket_).call("POST", "/sallyport/v1/key-import/generate",
                                      json::object{{"owner", word_of(ownership_)}, {"keys", {std::move(wanted)}}}));
    json::error_code failed;
    const json::value* id = answer.find_pointer("/secrets/0", failed);
    if (id == nullptr || !id->is_string()) return Error{Code::Internal, "the agent's answer names no secret", {}};
    return SecretId(std::string(id->get_string()));
}

Result<void> AgentRotator::rotate(const std::string& volume, const KeyOwner& owner, const SecretId& old_key,
                                  const SecretId& new_key, bool keep_old) const {
    const auto path = volume_path(paths_, volume);
    if (!path) return Error{Code::NotFound, "the volume is out of reach", {}};
    json::object body{{"device", path_for_agent(*path)},
                      {"secret", old_key.str()},
                      {"new_secret", new_key.str()},
                      {"keep_old", keep_old}};
    // Keys of the service are read by the caller himself.
    if (ownership_ == KeyOwnership::Tenant) body["owner"] = owner_json(owner);
    TRY(AgentClient(socket_).call("POST", "/sallyport/v1/volume-care/rotate", body));
    return {};
}

Result<void> AgentRotator::add(const std::string& volume, const KeyOwner& owner, const SecretId& old_key,
                               const SecretId& new_key) {
    return rotate(volume, owner, old_key, new_key, true);
}

Result<void> AgentRotator::remove_old(const std::string& volume, const KeyOwner& owner, const SecretId& old_key,
                                      const SecretId& new_key) {
    return rotate(volume, owner, old_key, new_key, false);
}

}  // namespace sallyport::cli
