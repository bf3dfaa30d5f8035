#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/schema.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

/// What differs between the lists of secrets and of containers.
struct Words {
    std::string_view collection;
    std::string_view change_action;
    std::string_view retrieval;
    std::string_view update;
    std::string_view deletion;
};
constexpr Words OfSecrets{"secrets", "secret_acls:put_patch", "SecretACL(s) retrieval", "SecretACL(s) Update",
                          "SecretACL(s) deletion"};
constexpr Words OfContainers{"containers", "container_acls:put_patch", "ContainerACL(s) retrieval",
                             "ContainerACL(s) Update", "ContainerACL(s) deletion"};
constexpr const Words& words_of(const SecretId&) { return OfSecrets; }
constexpr const Words& words_of(const ContainerId&) { return OfContainers; }

constexpr std::size_t LongestUser = 255;

Checked<void> refuse_others(const json::object& object, std::initializer_list<std::string_view> allowed,
                            std::string_view property) {
    const std::span<const std::string_view> names(allowed.begin(), allowed.size());
    if (const auto fault = unexpected_members(object, names)) return schema_rejection("ACL", *fault, property);
    return {};
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
Checked<std::optional<model::AccessListChange>> parse_change(const json::value& body) {
    using Change = std::optional<model::AccessListChange>;
    const json::object* object = body.if_object();
    if (object == nullptr) return wrong_type("ACL", body, "'object'", "None");
    TRY(refuse_others(*object, {"read"}, "None"));
    const json::value* read = object->if_contains("read");
    if (read == nullptr) return Change();
    if (!read->is_object()) return wrong_type("ACL", *read, "'object'", "read");
    const json::object& list = read->get_object();
    TRY(refuse_others(list, {"users", "project-access"}, "read"));
    if (list.empty()) return Change();
    model::AccessListChange change;
    if (const json::value* users = list.if_contains("users")) change.users = TRY(parse_users(*users));
    if (const json::value* access = list.if_contains("project-access")) {
        if (!access->is_bool()) return wrong_type("ACL", *access, "'boolean'", "read");
        change.project_access = access->get_bool();
    }
    return Change(std::move(change));
}

template <class AnyId>
Checked<Response> show(const Exchange& exchange, const AnyId& id) {
    TRY(exchange.require_json_accepted());
    const auto acl = exchange.key_manager.access_lists().find(exchange.caller, id);
    if (!acl) return exchange.rejection(acl.error(), words_of(id).retrieval);
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

template <class AnyId>
Checked<Response> change(const Exchange& exchange, const AnyId& id, bool replace) {
    TRY(exchange.require_json_accepted());
    const Words& words = words_of(id);
    const auto allowed = exchange.key_manager.check(exchange.caller, words.change_action, id);
    if (!allowed) return exchange.rejection(allowed.error(), words.update);
    JsonBody body = TRY(exchange.json_body());
    const auto asked = TRY(parse_change(body.root()));
    core::AccessLists& lists = exchange.key_manager.access_lists();
    Result<void> done;
    if (replace && asked) {
        const auto users = asked->users.value_or(std::vector<UserId>());
        done = lists.set(exchange.caller, id, model::AccessList{asked->project_access.value_or(true), users, {}, {}});
    } else if (replace) {
        done = lists.set(exchange.caller, id, std::nullopt);
    } else if (asked) {
        done = lists.change(exchange.caller, id, *asked);
    }
    if (!done) return exchange.rejection(done.error(), words.update);
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("acl_ref", exchange.ref(words.collection, id.str()) + "/acl");
    writer.close();
    return json_response(200, json);
}

template <class AnyId>
Checked<Response> remove(const Exchange& exchange, const AnyId& id) {
    TRY(exchange.require_json_accepted());
    const auto done = exchange.key_manager.access_lists().remove(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), words_of(id).deletion);
    return json_response(200, "null");
}

template <class AnyId>
Checked<Response> serve(const Exchange& exchange, const AnyId& id, Segments segments) {
    if (!segments.empty()) return no_such_resource();
    const std::string_view method = exchange.method();
    if (method == "GET") return show(exchange, id);
    if (method == "PUT") return change(exchange, id, true);
    if (method == "PATCH") return change(exchange, id, false);
    if (method == "DELETE") return remove(exchange, id);
    return method_not_allowed("DELETE, GET, PATCH, PUT");
}

}  // namespace

Checked<Response> serve_acl(const Exchange& exchange, const SecretId& id, Segments segments) {
    return serve(exchange, id, segments);
}
Checked<Response> serve_acl(const Exchange& exchange, const ContainerId& id, Segments segments) {
    return serve(exchange, id, segments);
}

}  // namespace sallyport::api
