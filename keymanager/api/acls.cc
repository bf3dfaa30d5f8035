#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/schema.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::string_view Retrieval = "SecretACL(s) retrieval";
constexpr std::string_view Update = "SecretACL(s) Update";
constexpr std::string_view Deletion = "SecretACL(s) deletion";
constexpr std::size_t LongestUser = 255;

/// "Additional properties are not allowed ('a', 'b' were unexpected)", if there are any but those allowed.
Checked<void> refuse_others(const json::object& object, std::initializer_list<std::string_view> allowed,
                            std::string_view property) {
    SecureText others = secure_text();
    int count = 0;
    for (const auto& member : object) {
        if (std::ranges::find(allowed, std::string_view(member.key())) != allowed.end()) continue;
        if (count++ > 0) others += ", ";
        others += python_repr(json::value(member.key(), secure_storage()));
    }
    if (count == 0) return {};
    SecureText reason = secure_text("Additional properties are not allowed (");
    reason.append(others).append(count == 1 ? " was unexpected)" : " were unexpected)");
    return schema_rejection("ACL", reason, property);
}

Checked<std::vector<UserId>> parse_users(const json::value& users) {
    if (!users.is_array()) return wrong_type("ACL", users, "'array'", "read");
    std::vector<UserId> result;
    for (const json::value& user : users.get_array()) {
        if (!user.is_string()) return wrong_type("ACL", user, "'string'", "read");
        const std::string_view text = user.get_string();
        if (code_points(text) > LongestUser) {
            return schema_rejection("ACL", python_repr(user) + secure_text(" is too long"), "read");
        }
        UserId id{std::string(text)};
        if (std::ranges::find(result, id) == result.end()) result.push_back(std::move(id));
    }
    return result;
}

/// The change that a body asks for; nothing if it says nothing about `read`.
Checked<std::optional<model::SecretAclChange>> parse_change(const json::value& body) {
    using Change = std::optional<model::SecretAclChange>;
    const json::object* object = body.if_object();
    if (object == nullptr) return wrong_type("ACL", body, "'object'", "None");
    TRY(refuse_others(*object, {"read"}, "None"));
    const json::value* read = object->if_contains("read");
    if (read == nullptr) return Change();
    if (!read->is_object()) return wrong_type("ACL", *read, "'object'", "read");
    const json::object& list = read->get_object();
    TRY(refuse_others(list, {"users", "project-access"}, "read"));
    if (list.empty()) return Change();
    model::SecretAclChange change;
    if (const json::value* users = list.if_contains("users")) change.users = TRY(parse_users(*users));
    if (const json::value* access = list.if_contains("project-access")) {
        if (!access->is_bool()) return wrong_type("ACL", *access, "'boolean'", "read");
        change.project_access = access->get_bool();
    }
    return Change(std::move(change));
}

Checked<Response> show(const Exchange& exchange, const SecretId& id) {
    TRY(exchange.require_json_accepted());
    const auto acl = exchange.key_manager.acl(exchange.caller, id);
    if (!acl) return exchange.rejection(acl.error(), Retrieval);
    if (!*acl) return json_response(200, R"({"read": {"project-access": true}})");
    std::string users = "[";
    for (const UserId& user : (*acl)->users) {
        if (&user != &(*acl)->users.front()) users += ", ";
        append_json_string(users, user.str());
    }
    users += "]";
    std::string json = "{\"read\": ";
    JsonObjectWriter writer(json);
    writer.boolean("project-access", (*acl)->project_access);
    writer.raw("users", users);
    writer.text("created", to_iso8601((*acl)->created));
    writer.text("updated", to_iso8601((*acl)->updated));
    writer.close();
    return json_response(200, json + "}");
}

Checked<Response> change(const Exchange& exchange, const SecretId& id, bool replace) {
    TRY(exchange.require_json_accepted());
    const auto allowed = exchange.key_manager.check(exchange.caller, "secret_acls:put_patch", id);
    if (!allowed) return exchange.rejection(allowed.error(), Update);
    JsonBody body = TRY(exchange.json_body());
    const auto asked = TRY(parse_change(body.root()));
    Result<void> done;
    if (replace && asked) {
        const auto users = asked->users.value_or(std::vector<UserId>());
        done = exchange.key_manager.set_acl(exchange.caller, id,
                                            model::SecretAcl{asked->project_access.value_or(true), users, {}, {}});
    } else if (replace) {
        done = exchange.key_manager.set_acl(exchange.caller, id, std::nullopt);
    } else if (asked) {
        done = exchange.key_manager.change_acl(exchange.caller, id, *asked);
    }
    if (!done) return exchange.rejection(done.error(), Update);
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("acl_ref", exchange.ref("secrets", id.str()) + "/acl");
    writer.close();
    return json_response(200, json);
}

Checked<Response> remove(const Exchange& exchange, const SecretId& id) {
    TRY(exchange.require_json_accepted());
    const auto done = exchange.key_manager.remove_acl(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), Deletion);
    return json_response(200, "null");
}

}  // namespace

Checked<Response> serve_secret_acl(const Exchange& exchange, const SecretId& id, Segments segments) {
    if (!segments.empty()) return no_such_resource();
    const std::string_view method = exchange.method();
    if (method == "GET") return show(exchange, id);
    if (method == "PUT") return change(exchange, id, true);
    if (method == "PATCH") return change(exchange, id, false);
    if (method == "DELETE") return remove(exchange, id);
    return method_not_allowed("DELETE, GET, PATCH, PUT");
}

}  // namespace sallyport::api
