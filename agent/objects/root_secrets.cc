#include "agent/objects/root_secrets.h"

#include <utility>

namespace sallyport::objects {

core::Caller door_caller(const config::Objects& config) {
    return {UserId("object-door"), ProjectId(config.project), {"observer"}, ""};
}

Result<object::RootSecrets> fetch_root_secrets(const config::Objects& config, core::KeyManager& keys) {
    const core::Caller caller = door_caller(config);
    std::vector<object::RootSecrets::Entry> entries;
    for (const auto& [id, secret] : config.root_secrets) {
        auto payload = keys.fetch(caller, SecretId(secret));
        if (!payload) {
            Error error = std::move(payload).error();
            error.message = "objects.root_secrets[\"" + id + "\"]: secret " + secret + ": " + error.message;
            return error;
        }
        entries.push_back({id, std::move(payload->bytes)});
    }
    return object::RootSecrets::create(std::move(entries), config.active_root_secret,
                                       static_cast<object::MetaVersion>(config.meta_version));
}

}  // namespace sallyport::objects
