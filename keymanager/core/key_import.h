#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/caller.h"

namespace sallyport::core {

struct Context;

/// Keys that come from another key manager, each for its own project and user, many in one transaction. The doors let
/// administrators of the node alone at it: beyond that the policy is asked, for each key, about the one whose key it
/// becomes ("secrets:post"), as if he had stored it himself.
class KeyImport {
public:
    explicit KeyImport(const Context& context) : context_(context) {}

    struct Entry {
        Caller owner;  ///< its project's key wraps it; he is its creator
        std::string name;
        std::vector<UserId> readers{};  ///< beside what the policy lets in: an access list is made for them
    };
    struct Imported {
        SecretId id;
        std::string name;
    };

    /// Stores `key` (symmetric, AES) once for each entry: all of them, durable when this returns, or none. Error:
    /// `Forbidden`, `OverQuota`, `TooLarge`.
    Result<std::vector<SecretId>> store(std::span<const Entry> entries, const SecureBytes& key) const;

    /// Adds to the access list of each; what it grants already stays. Asks "secret_acls:put_patch" nobody: the door
    /// lets only administrators in. Error: `NotFound`.
    Result<void> let_in(const SecretId& id, std::span<const UserId> users) const;

    /// Secrets of all projects whose names begin with `prefix`, oldest first.
    Result<std::vector<Imported>> find(std::string_view prefix) const;

    /// Soft, as KeyManager::remove; consumers are not heeded, since it was found that nothing refers to it. One that
    /// is not there is no error.
    Result<void> remove(const SecretId& id) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
