#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <utility>
#include <vector>

#include "agent/cli/agent_vault.h"
#include "migration/rekey.h"

namespace sallyport::cli {

/// Headers changed by the agent of this node, which fetches the keys in the name of their owners: none passes here.
/// `paths` as for CinderProbe.
class AgentRotator final : public migration::KeyRotator {
public:
    AgentRotator(std::string socket, KeyOwnership ownership, std::vector<std::string> paths)
        : socket_(std::move(socket)), ownership_(ownership), paths_(std::move(paths)) {}

    bool reaches(const std::string& volume) override;
    Result<SecretId> make_key(const std::string& name, const migration::KeyOwner& owner) override;
    Result<void> add(const std::string& volume, const migration::KeyOwner& owner, const SecretId& old_key,
                     const SecretId& new_key) override;
    Result<void> remove_old(const std::string& volume, const migration::KeyOwner& owner, const SecretId& old_key,
                            const SecretId& new_key) override;

private:
    Result<void> rotate(const std::string& volume, const migration::KeyOwner& owner, const SecretId& old_key,
                        const SecretId& new_key, bool keep_old) const;

    const std::string socket_;
    const KeyOwnership ownership_;
    const std::vector<std::string> paths_;
};

}  // namespace sallyport::cli
