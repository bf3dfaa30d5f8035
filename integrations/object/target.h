#pragma once

#include <map>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// What a request is about: /v1/<account>[/<container>[/<object>]], percent-decoded. Names are bytes, taken as they
/// are: an object's name may begin with a slash, hold "..", or be "a//b".
struct ObjectPath {
    std::string account;
    std::string container;  ///< empty: the request is about the account
    std::string object;     ///< empty: about the container or the account

    bool is_object() const { return !object.empty(); }
    bool is_container() const { return object.empty() && !container.empty(); }

    /// "/a/c", the message from which the container's key is derived.
    std::string container_path() const { return "/" + account + "/" + container; }
    /// "/a/c/o", the message from which the object's key is derived.
    std::string object_path() const { return container_path() + "/" + object; }

    friend bool operator==(const ObjectPath&, const ObjectPath&) = default;
};

struct Target {
    ObjectPath path;
    std::map<std::string, std::string> query;  ///< decoded; the last of a name wins
};

/// Error: `InvalidInput` unless the target is a path below /v1 (or /v1.0) with an account.
Result<Target> parse_target(std::string_view target);

}  // namespace sallyport::object
