#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/model/kek.h"

namespace sallyport::store {

/// What a ciphertext is bound to, so that whoever can write the database cannot swap two rows unseen.
struct SecretBinding {
    SecretId secret;
    ProjectId project;
};

/// The names under which Barbican's tables record which plug-in made a row.
struct StoreInfo {
    std::string name;           ///< for people ("Software")
    std::string store_plugin;   ///< secret_store_metadata.plugin_name, secret_stores.store_plugin
    std::string crypto_plugin;  ///< kek_data.plugin_name, secret_stores.crypto_plugin
};

/// One of a store's master keys, as people may see it.
struct MasterKey {
    std::string source;       ///< where it came from: "/etc/sallyport/kek", "credential:kek", an HSM's label
    std::string fingerprint;  ///< tells keys apart, and nothing of what they are
};

/// Wraps and unwraps secrets under a project's key-encryption key (pKEK).
///
/// Thread-safe. Calls block: use them from a lane, never on the edge.
/// Keeps unwrapped pKEKs in a bounded cache in locked memory; returned bytes belong to the caller.
class SecretStore {
public:
    virtual ~SecretStore() = default;
    virtual const StoreInfo& info() const = 0;

    /// A fresh pKEK for a project, wrapped under the master key, as a row to insert (with a new id).
    virtual Result<model::KekMeta> bind_kek(const ProjectId& project) = 0;

    /// `payload` under the pKEK of `kek`, in the envelope that the store is configured to write.
    virtual Result<model::WrappedSecret> wrap(const model::KekMeta& kek, const SecretBinding& binding,
                                              const SecureBytes& payload) = 0;

    /// The payload, decrypted straight into locked memory, from any envelope that the store knows.
    /// Error: `Corrupt` if a check value does not verify, `Unavailable` if a token is gone, `Overloaded` if the arena
    /// is full.
    virtual Result<SecureBytes> unwrap(const model::KekMeta& kek, const SecretBinding& binding,
                                       const model::WrappedSecret& wrapped) = 0;

    /// Fresh random bytes for a symmetric key, from the store's own source of randomness.
    virtual Result<SecureBytes> generate(std::size_t bytes) = 0;

    /// A value that only the master key could have made, and its check: the canary row tells a wrong master key from a
    /// damaged database before anything is stored under it.
    virtual Result<std::string> make_canary() = 0;
    /// Error: `WrongKey` if none of the configured master keys opens it.
    virtual Result<void> check_canary(const std::string& canary) = 0;
    /// The same proof by a pKEK, for a database that somebody else filled and that holds no canary of ours.
    /// Error: `WrongKey` if none of the configured master keys opens it: says which were tried, and what to do.
    virtual Result<void> check_kek(const model::KekMeta& kek) = 0;

    /// The master keys: the first writes, all read.
    virtual std::vector<MasterKey> master_keys() const = 0;
    /// Which of them opens what is wrapped so (KekMeta::plugin_meta, a canary); nothing if none does.
    virtual Result<std::optional<std::size_t>> opened_by(std::string_view wrapping) = 0;
    /// The same under the first master key; nothing if it is already. The new wrapping has been opened again and
    /// compared with what it holds. Error: `WrongKey` if no master key opens it; `Internal` if the comparison fails.
    virtual Result<std::optional<std::string>> rewrap(std::string_view wrapping) = 0;
};

}  // namespace sallyport::store
