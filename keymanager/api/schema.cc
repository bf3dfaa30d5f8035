#include "keymanager/api/schema.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include "keymanager/api/json.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

std::string_view shown_type(Property::Type type) {
    switch (type) {
        case Property::Type::String: return "'string'";
        case Property::Type::StringOrNull: return "'string', 'null'";
        case Property::Type::Integer: return "'integer'";
        case Property::Type::Object: return "'object'";
    }
    return {};
}

bool is_of(const json::value& value, Property::Type type) {
    switch (type) {
        case Property::Type::String: return value.is_string();
        case Property::Type::StringOrNull: return value.is_string() || value.is_null();
        // JSON Schema (draft 6 on): a number without a fraction is an integer, however it is written.
        case Property::Type::Integer:
            return value.is_int64() || value.is_uint64() ||
                   (value.is_double() && std::trunc(value.get_double()) == value.get_double());
        case Property::Type::Object: return value.is_object();
    }
    return false;
}

/// The fault of a value of the right type, if it has one.
std::optional<SecureText> fault_of(const json::value& value, const Property& property) {
    if (value.is_string()) {
        const std::string_view text = value.get_string();
        if (property.longest != 0 && code_points(text) > property.longest) {
            SecureText fault = python_repr(value);
            fault += " is too long";
            return fault;
        }
        if (!property.one_of.empty() && std::ranges::find(property.one_of, text) == property.one_of.end()) {
            SecureText fault = python_repr(value);
            fault += " is not one of [";
            for (std::size_t i = 0; i < property.one_of.size(); ++i) {
                fault += i == 0 ? "'" : ", '";
                fault += property.one_of[i];
                fault += "'";
            }
            fault += "]";
            return fault;
        }
    }
    if (value.is_number()) {
        const double number = value.to_number<double>();
        if (property.least && number < static_cast<double>(*property.least)) {
            return python_repr(value) +
                   secure_text(" is less than the minimum of ").append(std::to_string(*property.least));
        }
        if (property.most && number > static_cast<double>(*property.most)) {
            return python_repr(value) +
                   secure_text(" is greater than the maximum of ").append(std::to_string(*property.most));
        }
    }
    return std::nullopt;
}

}  // namespace

Rejection schema_rejection(std::string_view schema, std::string_view reason, std::string_view property) {
    SecureText description = secure_text("Provided object does not match schema '");
    description.append(schema)
        .append("': ")
        .append(reason)
        .append(". Invalid property: '")
        .append(property)
        .append("'");
    return Rejection{400, std::move(description), {}};
}

Rejection wrong_type(std::string_view schema, const json::value& value, std::string_view type,
                     std::string_view property) {
    SecureText reason = python_repr(value);
    reason.append(" is not of type ").append(type);
    return schema_rejection(schema, reason, property);
}

Checked<void> check_schema(const json::value& value, std::string_view schema, std::span<const Property> properties) {
    const json::object* object = value.if_object();
    if (object == nullptr) return wrong_type(schema, value, "'object'", "None");
    for (const Property& property : properties) {
        const json::value* member = object->if_contains(property.name);
        if (member != nullptr && !is_of(*member, property.type)) {
            return wrong_type(schema, *member, shown_type(property.type), property.name);
        }
    }
    for (const Property& property : properties) {
        const json::value* member = object->if_contains(property.name);
        if (member == nullptr) {
            if (!property.required) continue;
            return schema_rejection(schema, "'" + std::string(property.name) + "' is a required property",
                                    property.name);
        }
        if (const auto fault = fault_of(*member, property)) return schema_rejection(schema, *fault, property.name);
    }
    return {};
}

}  // namespace sallyport::api
