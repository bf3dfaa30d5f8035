#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "keymanager/api/rejection.h"

namespace sallyport::api {

/// What Barbican's JSON schema says of one property of an object.
struct Property {
    enum class Type { String, StringOrNull, Integer, Object };

    std::string_view name;
    Type type;
    std::size_t longest = 0;                   ///< in code points; 0: any length
    std::span<const std::string_view> one_of;  ///< empty: anything
    std::optional<long> least = std::nullopt;
    std::optional<long> most = std::nullopt;
    bool required = false;
};

/// Checks an object against its properties, of which others may be there too, and refuses in the words of Barbican's
/// validator, which prefers a wrong type over any other fault. `schema` is the name in the refusal.
/// Rejection: 400.
Checked<void> check_schema(const boost::json::value& value, std::string_view schema,
                           std::span<const Property> properties);

/// 400 "Provided object does not match schema ..."; `property` as Barbican names it ("None" for the whole).
Rejection schema_rejection(std::string_view schema, std::string_view reason, std::string_view property);
/// The same with "REPR is not of type TYPE" for a reason.
Rejection wrong_type(std::string_view schema, const boost::json::value& value, std::string_view type,
                     std::string_view property);

}  // namespace sallyport::api
