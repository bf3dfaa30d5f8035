#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "migration/key_vault.h"

namespace sallyport::migration {

/// A key manager for faults: a folder with a file a key, which outlives the process that stored it. Files appear whole.
class FileVault final : public KeyVault {
public:
    explicit FileVault(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::string name() const override { return "a folder"; }
    bool grants_when_stored() const override { return false; }
    Result<std::vector<StoredKey>> stored() override;
    Result<std::vector<SecretId>> store(const SecureBytes& key, std::span<const NewKey> wanted) override;
    Result<std::vector<Result<void>>> confirm(const SecureBytes& key, std::span<const KeyUse> keys) override;
    Result<void> grant(std::span<const KeyUse> keys) override;
    Result<std::vector<KeyState>> look(std::span<const KeyUse> keys) override;
    Result<void> remove(const SecretId& id) override;

    /// The next calls of store() fail with this: before they store anything, or after all is stored.
    std::optional<Error> fails_before{};
    std::optional<Error> fails_after{};
    int store_failures = 0;                                  ///< how many of them
    std::map<std::string, std::vector<KeyOwner>> granted{};  ///< by key id

private:
    std::filesystem::path file_of(const SecretId& id) const { return folder_ / id.str(); }

    const std::filesystem::path folder_;
    std::mutex mutex_;
};

}  // namespace sallyport::migration
