#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "keymanager/api/rejection.h"

namespace sallyport::api {

struct ObjectSchema;

/// What Barbican's JSON schema says of one property of an object.
struct Property {
    enum class Type { String, StringOrNull, Integer, Object, Array };

    std::string_view name;
    Type type;
    std::size_t longest = 0;                   ///< in code points; 0: any length
    std::span<const std::string_view> one_of;  ///< empty: anything
    std::optional<long> least = std::nullopt;
    std::optional<long> most = std::nullopt;
    bool required = false;                ///< in the way of older schemas, whose refusal names the property
    std::size_t shortest = 0;             ///< in code points
    const ObjectSchema* inner = nullptr;  ///< of the object, or of the objects in the array
};

/// What it says of an object.
struct ObjectSchema {
    std::span<const Property> properties;
    std::span<const std::string_view> required;  ///< in the way of newer schemas
    bool closed = false;                         ///< no others may be there
};

/// Checks a value against a schema and refuses in the words of Barbican's validator: of several faults the one nearest
/// to the root counts, of those a wrong type, of those the first. `name` is the schema's in the refusal.
/// Rejection: 400.
Checked<void> check_schema(const boost::json::value& value, std::string_view name, const ObjectSchema& schema);
inline Checked<void> check_schema(const boost::json::value& value, std::string_view name,
                                  std::span<const Property> properties) {
    return check_schema(value, name, ObjectSchema{properties, {}, false});
}

/// "Additional properties are not allowed ('a', 'b' were unexpected)", if the object has any but those allowed.
std::optional<SecureText> unexpected_members(const boost::json::object& object,
                                             std::span<const std::string_view> allowed);

/// 400 "Provided object does not match schema ..."; `property` as Barbican names it ("None" for the whole).
Rejection schema_rejection(std::string_view schema, std::string_view reason, std::string_view property);
/// The same with "REPR is not of type TYPE" for a reason.
Rejection wrong_type(std::string_view schema, const boost::json::value& value, std::string_view type,
                     std::string_view property);

}  // namespace sallyport::api
