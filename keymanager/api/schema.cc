#include "keymanager/api/schema.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "keymanager/api/json.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

std::string_view shown_type(Property::Type type) {
    switch (type) {
        case Property::Type::String: return "'string'";
        case Property::Type::StringOrNull: return "'string', 'null'";
        case Property::Type::Integer: return "'integer'";
        case Property::Type::Object: return "'object'";
        case Property::Type::Array: return "'array'";
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
        case Property::Type::Array: return value.is_array();
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
        if (code_points(text) < property.shortest) {
            SecureText fault = python_repr(value);
            fault += " is too short";
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

constexpr std::string_view Root = "None";

/// Walks a value beside its schema and keeps the fault that Barbican's validator would tell.
class Walk {
public:
    void object(const json::object& object, const ObjectSchema& schema, int depth, std::string_view property) {
        for (const Property& member : schema.properties) {
            const std::string_view top = depth == 0 ? member.name : property;
            this->member(object.if_contains(member.name), member, depth + 1, top);
        }
        for (const std::string_view name : schema.required) {
            if (!object.contains(name)) consider(depth, false, missing(name), property);
        }
        if (!schema.closed) return;
        std::vector<std::string_view> names;
        for (const Property& member : schema.properties) names.push_back(member.name);
        if (auto fault = unexpected_members(object, names)) consider(depth, false, *std::move(fault), property);
    }

    void wrong_type(const json::value& value, std::string_view type, int depth, std::string_view property) {
        consider(depth, true, python_repr(value) + secure_text(" is not of type ").append(type), property);
    }

    Checked<void> outcome(std::string_view schema) const {
        if (!fault_) return {};
        return schema_rejection(schema, fault_->reason, fault_->property);
    }

private:
    struct Fault {
        int depth;
        bool wrong_type;
        SecureText reason;
        std::string_view property;
    };

    static SecureText missing(std::string_view name) {
        return secure_text("'").append(name).append("' is a required property");
    }

    void member(const json::value* value, const Property& property, int depth, std::string_view top) {
        if (value == nullptr) {
            if (property.required) consider(depth, false, missing(property.name), top);
            return;
        }
        if (!is_of(*value, property.type)) return wrong_type(*value, shown_type(property.type), depth, top);
        if (auto fault = fault_of(*value, property)) consider(depth, false, *std::move(fault), top);
        if (property.inner == nullptr) return;
        if (value->is_object()) return object(value->get_object(), *property.inner, depth, top);
        for (const json::value& item : value->get_array()) {
            if (item.is_object()) {
                object(item.get_object(), *property.inner, depth + 1, top);
            } else {
                wrong_type(item, "'object'", depth + 1, top);
            }
        }
    }

    void consider(int depth, bool wrong_type, SecureText reason, std::string_view property) {
        const bool better =
            !fault_ || depth < fault_->depth || (depth == fault_->depth && wrong_type && !fault_->wrong_type);
        if (better) fault_ = Fault{depth, wrong_type, std::move(reason), property};
    }

    std::optional<Fault> fault_;
};

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

std::optional<SecureText> unexpected_members(const json::object& object, std::span<const std::string_view> allowed) {
    SecureText others = secure_text();
    int count = 0;
    for (const auto& member : object) {
        if (std::ranges::find(allowed, std::string_view(member.key())) != allowed.end()) continue;
        if (count++ > 0) others += ", ";
        others += python_repr(json::value(member.key(), secure_storage()));
    }
    if (count == 0) return std::nullopt;
    SecureText reason = secure_text("Additional properties are not allowed (");
    reason.append(others).append(count == 1 ? " was unexpected)" : " were unexpected)");
    return reason;
}

Checked<void> check_schema(const json::value& value, std::string_view name, const ObjectSchema& schema) {
    Walk walk;
    if (value.is_object()) {
        walk.object(value.get_object(), schema, 0, Root);
    } else {
        walk.wrong_type(value, "'object'", 0, Root);
    }
    return walk.outcome(name);
}

}  // namespace sallyport::api
