#include <boost/json.hpp>

#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/schema.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::string_view OwnQuotas = "Quotas";
constexpr std::string_view ProjectQuotas = "Project Quotas";

using Type = Property::Type;
constexpr std::array<std::string_view, 1> Required{"project_quotas"};
/// A number as the column holds it; Barbican fails with a 500 for a larger one.
constexpr Property number(std::string_view name) {
    return {name, Type::Integer, 0, {}, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()};
}
const std::array Numbers{number("secrets"), number("orders"), number("containers"), number("consumers"), number("cas")};
const ObjectSchema NumbersSchema{Numbers, {}, true};
const std::array BodyProperties{
    Property{"project_quotas", Type::Object, 0, {}, {}, {}, false, 0, &NumbersSchema},
};
const ObjectSchema BodySchema{BodyProperties, Required, true};

Checked<model::Quotas> parse_quotas(const json::value& body) {
    TRY(check_schema(body, "Project Quota", BodySchema));
    const json::object& given = body.get_object().at("project_quotas").get_object();
    model::Quotas quotas;
    for (const model::QuotaField& field : model::QuotaFields) {
        const json::value* value = given.if_contains(field.name);
        if (value != nullptr) quotas.*field.member = value->to_number<int>();
    }
    return quotas;
}

void append_quotas(std::string& out, const model::Quotas& quotas) {
    JsonObjectWriter writer(out);
    for (const model::QuotaField& field : model::QuotaFields) {
        const auto& value = quotas.*field.member;
        writer.raw(field.name, value ? std::to_string(*value) : "null");
    }
    writer.close();
}

Response quotas_response(std::string_view name, const model::Quotas& quotas) {
    std::string json = "{\"" + std::string(name) + "\": ";
    append_quotas(json, quotas);
    return json_response(200, json + "}");
}

Checked<Response> list(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    const model::Page page = page_of(exchange.target);
    const auto found = exchange.key_manager.quotas().list(exchange.caller, page);
    if (!found) return exchange.rejection(found.error(), ProjectQuotas);
    std::string json = "{\"project_quotas\": [";
    for (const model::ProjectQuotas& entry : found->items) {
        if (&entry != &found->items.front()) json += ", ";
        std::string numbers;
        append_quotas(numbers, entry.quotas);
        JsonObjectWriter writer(json);
        writer.text("project_id", entry.project.str());
        writer.raw("project_quotas", numbers);
        writer.close();
    }
    finish_list(json, exchange, "project-quotas", true, found->total, page);
    return json_response(200, json);
}

Checked<Response> show(const Exchange& exchange, const ProjectId& project) {
    TRY(exchange.require_json_accepted());
    const auto quotas = exchange.key_manager.quotas().find(exchange.caller, project);
    if (!quotas) return exchange.rejection(quotas.error(), ProjectQuotas);
    return quotas_response("project_quotas", *quotas);
}

Checked<Response> set(const Exchange& exchange, const ProjectId& project) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "project_quotas:put"); !allowed) {
        return exchange.rejection(allowed.error(), ProjectQuotas);
    }
    TRY(exchange.require_json_body());
    if (exchange.request.body.empty()) {
        return reject(400, std::string(ProjectQuotas) + " issue seen - No data supplied to process..");
    }
    JsonBody body = TRY(exchange.json_body());
    const model::Quotas quotas = TRY(parse_quotas(body.root()));
    const auto done = exchange.key_manager.quotas().set(exchange.caller, project, quotas);
    if (!done) return exchange.rejection(done.error(), ProjectQuotas);
    return empty_response(204);
}

Checked<Response> remove(const Exchange& exchange, const ProjectId& project) {
    const auto done = exchange.key_manager.quotas().remove(exchange.caller, project);
    if (!done) return exchange.rejection(done.error(), ProjectQuotas);
    return empty_response(204);
}

}  // namespace

Checked<Response> serve_quotas(const Exchange& exchange, Segments segments) {
    if (!segments.empty()) return no_such_resource();
    if (exchange.method() != "GET") return method_not_allowed("GET");
    TRY(exchange.require_json_accepted());
    const auto quotas = exchange.key_manager.quotas().effective(exchange.caller);
    if (!quotas) return exchange.rejection(quotas.error(), OwnQuotas);
    return quotas_response("quotas", *quotas);
}

Checked<Response> serve_project_quotas(const Exchange& exchange, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return list(exchange);
        return method_not_allowed("GET");
    }
    if (segments.size() > 1) return no_such_resource();
    const ProjectId project(segments.front());
    if (method == "GET") return show(exchange, project);
    if (method == "PUT") return set(exchange, project);
    if (method == "DELETE") return remove(exchange, project);
    return method_not_allowed("DELETE, GET, PUT");
}

}  // namespace sallyport::api
