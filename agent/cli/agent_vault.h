#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"
#include "migration/key_vault.h"

namespace sallyport::cli {

/// Whose the keys become. See KeyImportRoutes.
enum class KeyOwnership {
    Tenant,  ///< the project's and user's of the row, as Cinder's own keys are
    Service  ///< the caller's, with access lists, as Cinder's own migration left them
};

std::string_view word_of(KeyOwnership ownership);                  ///< "tenant", "service"
boost::json::object owner_json(const migration::KeyOwner& owner);  ///< as the agent's routes take it

/// The key manager of the running agent, over its UNIX socket.
class AgentVault final : public migration::KeyVault {
public:
    AgentVault(std::string socket, KeyOwnership ownership) : socket_(std::move(socket)), ownership_(ownership) {}

    std::string name() const override { return "the agent at " + socket_; }
    Result<std::vector<migration::StoredKey>> stored() override;
    Result<std::vector<SecretId>> store(const SecureBytes& key, std::span<const migration::NewKey> wanted) override;
    Result<std::vector<Result<void>>> confirm(const SecureBytes& key, std::span<const migration::KeyUse> keys) override;
    bool grants_when_stored() const override { return true; }
    Result<void> grant(std::span<const migration::KeyUse> keys) override;
    Result<std::vector<migration::KeyState>> look(std::span<const migration::KeyUse> keys) override;
    Result<void> remove(const SecretId& id) override;

private:
    Result<boost::json::object> call(std::string_view method, std::string_view verb, const boost::json::object& body,
                                     const SecureBytes* key = nullptr) const;
    boost::json::object body_with(boost::json::array keys) const;

    const std::string socket_;
    const KeyOwnership ownership_;
};

}  // namespace sallyport::cli
