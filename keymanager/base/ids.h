#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport {

/// A string that says what it identifies, so that two ids cannot be swapped in a call.
template <class Tag>
class Id {
public:
    Id() = default;
    explicit Id(std::string value) : value_(std::move(value)) {}

    const std::string& str() const noexcept { return value_; }
    bool empty() const noexcept { return value_.empty(); }
    friend auto operator<=>(const Id&, const Id&) = default;

private:
    std::string value_;
};

using SecretId = Id<struct SecretIdTag>;              ///< UUID of a secret
using OrderId = Id<struct OrderIdTag>;                ///< UUID of an order
using ContainerId = Id<struct ContainerIdTag>;        ///< UUID of a container
using TransportKeyId = Id<struct TransportKeyIdTag>;  ///< UUID of a transport key
using KekId = Id<struct KekIdTag>;                    ///< UUID of a row of kek_data: one project's key-encryption key
using ProjectRowId = Id<struct ProjectRowIdTag>;      ///< UUID of a row of projects: internal to the database
using ProjectId = Id<struct ProjectIdTag>;  ///< the project as callers name it (Keystone's id, or the config's)
using UserId = Id<struct UserIdTag>;        ///< the user as callers name it

}  // namespace sallyport

template <class Tag>
struct std::hash<sallyport::Id<Tag>> {
    std::size_t operator()(const sallyport::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
