#pragma once

#include <string>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/user_metadata.h"

namespace sallyport::core {

struct Context;

/// Keys and values that users note about a secret. Keys are lower-case by the door's doing.
class UserMetadata {
public:
    struct Entry {
        std::string name;
        std::string value;
    };
    explicit UserMetadata(const Context& context) : context_(context) {}

    Result<model::UserMetadata> find(const Caller& caller, const SecretId& id) const;
    /// Error: `NotFound` if there is no such key.
    Result<Entry> find(const Caller& caller, const SecretId& id, const std::string& key) const;
    /// In place of all that is there.
    Result<void> replace(const Caller& caller, const SecretId& id, const model::UserMetadata& metadata) const;
    /// Error: `Conflict` if the key is there.
    Result<void> add(const Caller& caller, const SecretId& id, const Entry& entry) const;
    /// Gives `key` another value. Error: `NotFound` if the key is not there, `Conflict` if the entry has another key.
    Result<void> change(const Caller& caller, const SecretId& id, const std::string& key, const Entry& entry) const;
    /// Removing none is no error.
    Result<void> remove(const Caller& caller, const SecretId& id, const std::string& key) const;

private:
    const Context& context_;
};

}  // namespace sallyport::core
