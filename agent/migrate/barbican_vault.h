#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "agent/migrate/service_session.h"
#include "keymanager/base/result.h"
#include "migration/key_vault.h"
#include "migration/oslo_config.h"

namespace sallyport::migrate {

struct BarbicanVaultOptions {
    int jobs = 16;  ///< how many calls come at a time
    int tries = 5;  ///< of a request that fails for a passing reason (429, 5xx, no connection)
    std::chrono::milliseconds first_wait{200};               ///< before the second try; then twice as long each time
    std::function<void(std::chrono::milliseconds)> sleep{};  ///< tests shorten it; empty: really sleeps
};

/// A Barbican elsewhere, over REST, as Cinder's own migration uses it: keys belong to the project of Cinder's account,
/// whose services may all read them, and have an access list with the rows' users. Users of the same tenant beside them
/// get none: Barbican knows no access list for projects.
///
/// Thread-safe; blocks. A request that gets no answer is tried again; before a key is stored once more it is looked for
/// by its name, for the lost answer may have been a good one.
class BarbicanVault final : public migration::KeyVault {
public:
    /// Logs in with the account of cinder.conf. `url`: "http://barbican:9311", with or without "/v1".
    /// Error: as service_account and ServiceSession::make.
    static Result<std::unique_ptr<migration::KeyVault>> make(const std::string& url,
                                                             const migration::OsloConfig& cinder,
                                                             BarbicanVaultOptions options);

    std::string name() const override { return url_; }
    Result<std::vector<migration::StoredKey>> stored() override;
    Result<std::vector<SecretId>> store(const SecureBytes& key, std::span<const migration::NewKey> wanted) override;
    /// Reads with Cinder's account: nobody can read as the owner but the owner.
    Result<std::vector<Result<void>>> confirm(const SecureBytes& key, std::span<const migration::KeyUse> keys) override;
    bool grants_when_stored() const override { return false; }
    Result<void> grant(std::span<const migration::KeyUse> keys) override;
    /// Of a key of another project Barbican says nothing; it was stored by its tenant then, who may read it.
    Result<std::vector<migration::KeyState>> look(std::span<const migration::KeyUse> keys) override;
    Result<void> remove(const SecretId& id) override;

private:
    using Users = std::vector<std::string>;

    BarbicanVault(std::string url, std::unique_ptr<ServiceSession> session, BarbicanVaultOptions options);

    template <class Call>
    auto patiently(const Call& call) const;
    Result<api::Response> ask(std::string_view method, const std::string& target, const SecureBytes& body = {},
                              std::string_view accept = "application/json") const;

    Result<SecretId> store_one(const SecureBytes& key, const std::string& name);
    Result<std::optional<SecretId>> find(const std::string& name) const;
    Result<void> confirm_one(const SecureBytes& key, const SecretId& id) const;
    /// Nothing if the key belongs to another project. Error: `NotFound`.
    Result<std::optional<Users>> readers_of(const SecretId& id) const;
    Result<void> grant_one(const migration::KeyUse& key) const;
    Error forbidden() const;

    const std::string url_;
    const std::unique_ptr<ServiceSession> session_;
    const BarbicanVaultOptions options_;
    std::mutex mutex_;
    std::map<std::string, SecretId> made_{};  ///< by name; guarded by mutex_: a call that is tried again finds them
};

}  // namespace sallyport::migrate
