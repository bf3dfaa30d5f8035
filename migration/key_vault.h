#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::migration {

/// Whose key it becomes.
struct KeyOwner {
    UserId user;
    ProjectId project;
    friend bool operator==(const KeyOwner&, const KeyOwner&) = default;
};

/// A key that is to be stored, and for what: `name` says it to everybody who finds the secret.
struct NewKey {
    std::string name;
    KeyOwner owner;
    std::vector<KeyOwner> readers{};  ///< who has to read it beside the owner: those of its snapshots
};

/// A key that some run of a migration has stored, by its name.
struct StoredKey {
    SecretId id;
    std::string name;
};

/// A key that a row of Cinder's refers to, and who has to be able to read it.
struct KeyUse {
    SecretId id;
    KeyOwner owner;
    std::vector<KeyOwner> readers{};
};

enum class KeyState {
    Readable,  ///< the owner may read it
    Refused,   ///< it is there, and the owner may not
    Missing    ///< it is not
};

/// Names begin with this and end with the row: "sallyport fixed-key volume 0b1c…".
inline constexpr std::string_view KeyNamePrefix = "sallyport fixed-key ";

/// Where keys go: the key manager of the agent, or a remote Barbican.
///
/// Thread-safe: called by all workers of `apply` at once. Calls block. An error of a whole call means that nothing is
/// known of any of its keys (`Unavailable`, `Overloaded`: it may be tried again); `Forbidden` says which role is
/// missing and the command that grants it, and ends the run. Answers come in the order of what was asked.
class KeyVault {
public:
    virtual ~KeyVault() = default;

    /// What the report calls it: "the agent at /run/sallyport/agent.sock", "https://barbican:9311".
    virtual std::string name() const = 0;

    /// All keys whose names begin with KeyNamePrefix.
    virtual Result<std::vector<StoredKey>> stored() = 0;

    /// Stores `key` once for each of `wanted` (256 at most). Durable when it returns.
    virtual Result<std::vector<SecretId>> store(const SecureBytes& key, std::span<const NewKey> wanted) = 0;

    /// Reads each back, from where it is kept, as its owner where that can be, and compares it with `key`. The error of
    /// one is `Corrupt` (another key!), `NotFound` or `Forbidden`.
    virtual Result<std::vector<Result<void>>> confirm(const SecureBytes& key, std::span<const KeyUse> keys) = 0;

    /// Whether store() lets owner and readers in by itself, in the same transaction; else grant() has to follow.
    virtual bool grants_when_stored() const = 0;

    /// Lets owner and readers read it, where the key manager would not by itself.
    virtual Result<void> grant(std::span<const KeyUse> keys) = 0;

    /// For the plan: what becomes of somebody who asks for it.
    virtual Result<std::vector<KeyState>> look(std::span<const KeyUse> keys) = 0;

    /// Removes a key that nothing refers to. One that is not there is no error.
    virtual Result<void> remove(const SecretId& id) = 0;
};

}  // namespace sallyport::migration
