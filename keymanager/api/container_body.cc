#include "keymanager/api/container_body.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "keymanager/api/schema.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::string_view Name = "Container";
constexpr std::array<std::string_view, 3> Types{"generic", "rsa", "certificate"};
constexpr std::array<std::string_view, 1> RequiredOfRef{"secret_ref"};
constexpr std::array<std::string_view, 1> RequiredOfContainer{"type"};

using Type = Property::Type;
const std::array RefProperties{
    Property{"name", Type::StringOrNull, 255, {}},
    Property{"secret_ref", Type::String, 0, {}, {}, {}, false, 1},
};
const ObjectSchema RefSchema{RefProperties, RequiredOfRef, false};
const std::array ContainerProperties{
    Property{"name", Type::StringOrNull, 255, {}},
    Property{"type", Type::String, 0, Types},
    Property{"secret_refs", Type::Array, 0, {}, {}, {}, false, 0, &RefSchema},
};
const ObjectSchema ContainerSchema{ContainerProperties, RequiredOfContainer, false};
const std::array MemberProperties{
    Property{"name", Type::String, 255, {}},
    Property{"secret_ref", Type::String, 0, {}, {}, {}, false, 1},
};
const ObjectSchema MemberSchema{MemberProperties, RequiredOfRef, false};

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    if (member == nullptr || !member->is_string()) return std::nullopt;
    return std::string(member->get_string());
}

std::string last_part(std::string_view ref) { return std::string(ref.substr(ref.rfind('/') + 1)); }

using PartNames = std::set<std::optional<std::string>>;

Checked<void> check_parts(const PartNames& names, const PartNames& required, const PartNames& optional,
                          std::string_view others, std::string_view missing) {
    const auto wrong = [](std::string_view reason) { return schema_rejection(Name, reason, "secret_refs"); };
    for (const auto& name : names) {
        if (!required.contains(name) && !optional.contains(name)) return wrong(others);
    }
    if (!std::ranges::includes(names, required)) return wrong(missing);
    return {};
}

Checked<void> check_type(std::string_view type, const PartNames& names) {
    if (type == "rsa") {
        return check_parts(names, {"private_key", "public_key"}, {"private_key_passphrase"},
                           "only 'private_key', 'public_key' and 'private_key_passphrase' reference names are allowed "
                           "for RSA type",
                           // The missing blank is Barbican's.
                           "The minimum required reference names are 'public_key' and'private_key' for RSA type");
    }
    if (type == "certificate") {
        return check_parts(names, {"certificate"}, {"private_key", "private_key_passphrase", "intermediates"},
                           "only 'private_key', 'certificate' , 'private_key_passphrase',  or 'intermediates' "
                           "reference names are allowed for Certificate type",
                           "The minimum required reference name is 'certificate' for Certificate type");
    }
    return {};
}

}  // namespace

Checked<core::NewContainer> parse_container_body(const json::value& body, std::string_view base_url) {
    TRY(check_schema(body, Name, ContainerSchema));
    const json::object& object = body.get_object();
    core::NewContainer container;
    container.name = text_of(object, "name");
    container.type = text_of(object, "type").value_or("");
    const json::value* refs = object.if_contains("secret_refs");
    if (refs == nullptr || refs->get_array().empty()) return container;

    PartNames names;
    std::set<std::string> ids;
    bool ours = true;
    for (const json::value& item : refs->get_array()) {
        const json::object& entry = item.get_object();
        const std::string ref = text_of(entry, "secret_ref").value_or("");
        ours = ours && ref.starts_with(base_url);
        std::string_view path = ref;
        if (path.ends_with('/')) path.remove_suffix(1);
        model::ContainerSecret member{text_of(entry, "name"), SecretId(last_part(path))};
        // A name that is null and one that is absent are different names to Barbican.
        names.insert(entry.contains("name") ? member.name : "");
        ids.insert(member.secret.str());
        container.secrets.push_back(std::move(member));
    }
    const auto wrong = [](std::string_view reason) { return schema_rejection(Name, reason, "secret_refs"); };
    if (names.size() != container.secrets.size()) return wrong("Duplicate reference names are not allowed");
    if (ids.size() != container.secrets.size()) return wrong("Duplicate secret ids are not allowed");
    if (!ours) return reject(400, "Provided field value is not supported");
    TRY(check_type(container.type, names));
    return container;
}

Checked<MemberBody> parse_member_body(const json::value& body) {
    TRY(check_schema(body, "ContainerSecret", MemberSchema));
    const json::object& object = body.get_object();
    MemberBody result;
    result.ref = text_of(object, "secret_ref").value_or("");
    // Barbican fails with a 500 for what is no ref at all.
    if (result.ref.find('/') == std::string::npos) return reject(400, "Provided field value is not supported");
    result.member = {text_of(object, "name"), SecretId(last_part(result.ref))};
    return result;
}

}  // namespace sallyport::api
