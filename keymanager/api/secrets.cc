#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/media_type.h"
#include "keymanager/api/resource_json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/secret_body.h"
#include "keymanager/api/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

using model::SecretFilter;
using model::TimeBound;

constexpr std::string_view Retrieval = "Secret retrieval";
constexpr std::string_view PayloadRetrieval = "Secret payload retrieval";
constexpr std::string_view Update = "Secret update";
constexpr std::string_view Deletion = "Secret deletion";
constexpr std::string_view Creation = "Secret creation";
constexpr std::string_view Listing = "Secret(s) retrieval";

constexpr std::string_view NoTransportKeys = "No secret store uses transport keys";

std::string issue_of(std::string_view operation, std::string_view reason) {
    return std::string(operation) + " issue seen - " + std::string(reason) + ".";
}

core::Detail detail_of(const Exchange& exchange) {
    return exchange.version.shows_consumers() ? core::Detail::WithConsumers : core::Detail::Plain;
}
SecretShape shape_of(const Exchange& exchange) { return {.consumers = exchange.version.shows_consumers()}; }

// Lists

/// "gt:2099-01-01,lt:2100-01-01". The combinations that are refused are Barbican's: two lower or two upper bounds, and
/// an equality beside a bound that includes its own time.
std::optional<std::vector<TimeBound>> parse_time_bounds(const std::string& text) {
    using Op = TimeBound::Op;
    constexpr std::array<std::pair<std::string_view, Op>, 4> Operators{
        {{"gt:", Op::Greater}, {"gte:", Op::GreaterOrEqual}, {"lt:", Op::Less}, {"lte:", Op::LessOrEqual}}};
    std::vector<TimeBound> bounds;
    const auto has = [&bounds](Op op) { return std::ranges::find(bounds, op, &TimeBound::op) != bounds.end(); };
    for (std::string_view part : split(text, ',')) {
        Op op = Op::Equal;
        for (const auto& [prefix, meaning] : Operators) {
            if (!part.starts_with(prefix)) continue;
            op = meaning;
            part.remove_prefix(prefix.size());
            break;
        }
        const bool lower = op == Op::Greater || op == Op::GreaterOrEqual;
        const bool upper = op == Op::Less || op == Op::LessOrEqual;
        const bool inclusive = op == Op::GreaterOrEqual || op == Op::LessOrEqual;
        if ((lower && (has(Op::Greater) || has(Op::GreaterOrEqual))) ||
            (upper && (has(Op::Less) || has(Op::LessOrEqual))) || (inclusive && has(Op::Equal)) ||
            (op == Op::Equal && (has(Op::Equal) || has(Op::GreaterOrEqual) || has(Op::LessOrEqual)))) {
            return std::nullopt;
        }
        const auto time = parse_loose_iso8601(part);
        if (!time) return std::nullopt;
        bounds.push_back({op, *time});
    }
    return bounds;
}

std::optional<std::vector<model::SortKey>> parse_sort(const std::string& text) {
    constexpr std::array<std::string_view, 9> Keys{"algorithm", "bit_length",  "created", "expiration", "mode",
                                                   "name",      "secret_type", "status",  "updated"};
    std::vector<model::SortKey> keys;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t colon = part.find(':');
        const std::string_view key = part.substr(0, colon);
        const std::string_view direction = colon == part.npos ? "asc" : part.substr(colon + 1);
        const bool repeated = std::ranges::any_of(keys, [key](const model::SortKey& k) { return k.column == key; });
        if (repeated || std::ranges::find(Keys, key) == Keys.end() || (direction != "asc" && direction != "desc")) {
            return std::nullopt;
        }
        keys.push_back({std::string(key), direction == "desc"});
    }
    return keys;
}

Checked<SecretFilter> parse_filter(const Exchange& exchange) {
    const RequestTarget& target = exchange.target;
    SecretFilter filter;
    // Barbican decodes this one a second time.
    if (const auto name = target.given("name")) filter.name = percent_decoded(*name, true);
    filter.algorithm = target.given("alg");
    filter.mode = target.given("mode");
    filter.secret_type = target.given("secret_type");
    const long bits = python_int(target.given("bits").value_or("0")).value_or(0);
    if (bits > 0) filter.bits = static_cast<int>(std::min(bits, long{std::numeric_limits<int>::max()}));
    const auto bad = [] { return reject(400, "URI provided invalid query string parameters."); };
    for (const auto& [name, bounds] :
         {std::pair{"created", &filter.created}, {"updated", &filter.updated}, {"expiration", &filter.expiration}}) {
        const auto text = target.given(name);
        if (!text) continue;
        auto parsed = parse_time_bounds(*text);
        if (!parsed) return bad();
        *bounds = *std::move(parsed);
    }
    if (const auto text = target.given("sort")) {
        auto parsed = parse_sort(*text);
        if (!parsed) return bad();
        filter.sort = *std::move(parsed);
    }
    if (equal_but_for_case(target.given("acl_only").value_or(""), "true")) filter.acl_only = exchange.caller.user;
    return filter;
}

Checked<Response> list(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    // The policy answers before the query is looked at.
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "secrets:get"); !allowed) {
        return exchange.rejection(allowed.error(), Listing);
    }
    const SecretFilter filter = TRY(parse_filter(exchange));
    const model::Page page = page_of(exchange.target);
    const auto found = exchange.key_manager.list(exchange.caller, filter, page, detail_of(exchange));
    if (!found) return exchange.rejection(found.error(), Listing);
    std::string json = "{\"secrets\": [";
    for (const model::Secret& secret : found->items) {
        if (&secret != &found->items.front()) json += ", ";
        append_secret(json, exchange, secret, shape_of(exchange));
    }
    finish_list(json, exchange, "secrets", !found->items.empty(), found->total, page);
    return json_response(200, json);
}

// Making

Checked<Response> create(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "secrets:post"); !allowed) {
        return exchange.rejection(allowed.error(), Creation);
    }
    JsonBody json = TRY(exchange.json_body());
    SecretBody body =
        TRY(parse_secret_body(json.root(), {exchange.key_manager.now(), exchange.config.secret_bytes, false}));
    // No store of ours has transport keys. Barbican's simple_crypto has none either, and fails with a 500.
    if (!body.payload && body.wants_transport_key) return reject(400, issue_of(Creation, NoTransportKeys));
    if (body.payload && body.has_transport_key_id) {
        return reject(400, issue_of(Creation, "Provided transport key was not found."));
    }
    std::optional<core::Payload> payload;
    if (body.payload) payload = core::Payload{*std::move(body.payload), body.payload_type};
    const auto id = exchange.key_manager.store(exchange.caller, body.attributes, std::move(payload));
    if (!id) return exchange.rejection(id.error(), Creation);
    const std::string ref = exchange.ref("secrets", id->str());
    std::string answer;
    JsonObjectWriter writer(answer);
    writer.text("secret_ref", ref);
    writer.close();
    return json_response(201, answer, {{"Location", ref}});
}

/// The body of the second step, decoded. Rejection: 400.
Checked<core::Payload> uploaded_payload(const Exchange& exchange, std::string_view content_type) {
    const SecureBytes& body = exchange.request.body;
    const std::string* encoding = exchange.request.header("Content-Encoding");
    const bool as_it_is = content_type == "text/plain" || encoding == nullptr || encoding->empty();
    if (!as_it_is && !equal_but_for_case(*encoding, "base64")) {
        return reject(400, issue_of(Update,
                                    "Text-based binary secret payloads must specify a content-encoding of "
                                    "'base64'"));
    }
    auto bytes = as_it_is ? body.clone()
                          : from_base64_secure(body.reveal(), Base64Alphabet::Standard, Base64Strictness::Lenient);
    if (bytes) return core::Payload{*std::move(bytes), std::string(content_type)};
    if (bytes.error().code == Code::Overloaded) return exchange.rejection(bytes.error(), Update);
    return reject(400, issue_of(Update, "Invalid payload for payload_content_encoding"));
}

Checked<Response> upload(const Exchange& exchange, const SecretId& id) {
    const auto secret = exchange.key_manager.check(exchange.caller, "secret:put", id);
    if (!secret) return exchange.rejection(secret.error(), Update);
    const std::string_view content_type = essence_of(exchange.request.header("Content-Type"));
    if (content_type != "application/octet-stream" && content_type != "text/plain") {
        return reject(415,
                      "Unexpected content type. Expected content types are: ['application/octet-stream', "
                      "'text/plain']");
    }
    if (exchange.request.body.empty()) return reject(400, issue_of(Update, "No data supplied to process."));
    if (exchange.request.body.size() > exchange.config.secret_bytes) {
        return reject(413, issue_of(Update, "Provided information too large to process"));
    }
    if (secret->content_type) return reject(409, "Secret already has data, cannot modify it.");
    if (exchange.target.parameter("transport_key_id") != nullptr) {
        return reject(400, issue_of(Update, "Provided transport key was not found."));
    }
    core::Payload payload = TRY(uploaded_payload(exchange, content_type));
    const auto done = exchange.key_manager.add_payload(exchange.caller, id, std::move(payload));
    if (!done) return exchange.rejection(done.error(), Update);
    return empty_response(204);
}

// Reading

Response payload_response(SecureBytes bytes, std::string content_type) {
    if (bytes.empty()) return empty_response(204);
    Response response{200, {}, std::move(bytes)};
    response.headers.reserve(4);  // this one, the version's two, the request's id
    // WebOb names the charset of text, unless the client's own Accept did.
    if (content_type == "text/plain") content_type += "; charset=UTF-8";
    response.headers.emplace_back("Content-Type", std::move(content_type));
    return response;
}

Checked<Response> fetch(const Exchange& exchange, const SecretId& id, std::string_view operation) {
    auto payload = exchange.key_manager.fetch(exchange.caller, id);
    if (!payload) return exchange.rejection(payload.error(), operation);
    const std::string* header = exchange.request.header("Accept");
    static const std::string binary = "application/octet-stream";
    const std::string& accept = header == nullptr || header->empty() ? binary : *header;
    const std::string& asked = accept == "*/*" ? payload->content_type : accept;
    const auto wrong_type = [operation] { return reject(406, issue_of(operation, "Wrong payload content-type")); };
    if (!is_payload_type(asked)) return wrong_type();
    if (is_text_spelling(asked)) {
        if (!is_utf8(text_of(payload->bytes.reveal()))) return wrong_type();
    } else if (!is_binary_spelling(asked)) {
        // The header is compared as a whole: another spelling passes the first look, but names no way to serve it.
        return reject(400, issue_of(operation, "content-type of '" + asked + "' not supported"));
    }
    return payload_response(std::move(payload->bytes), accept);
}

Checked<Response> describe(const Exchange& exchange, const SecretId& id) {
    const std::string* accept = exchange.request.header("Accept");
    const bool wants_json = accept == nullptr || *accept == "application/json" || *accept == "*/*";
    if (!wants_json) return fetch(exchange, id, Retrieval);
    const auto secret = exchange.key_manager.describe(exchange.caller, id, detail_of(exchange));
    if (!secret) return exchange.rejection(secret.error(), Retrieval);
    if (equal_but_for_case(exchange.target.given("transport_key_needed").value_or(""), "true")) {
        return reject(400, issue_of(Retrieval, NoTransportKeys));
    }
    std::string json;
    append_secret(json, exchange, *secret, shape_of(exchange));
    return json_response(200, json);
}

Checked<Response> remove(const Exchange& exchange, const SecretId& id) {
    const auto done = exchange.key_manager.remove(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), Deletion);
    return deleted_response(exchange, *done);
}

Checked<Response> serve_payload(const Exchange& exchange, const SecretId& id, bool has_more) {
    if (exchange.method() == "GET" && !has_more) return fetch(exchange, id, PayloadRetrieval);
    // Here the policy answers first, whatever the method.
    const auto allowed = exchange.key_manager.check(exchange.caller, "secret:decrypt", id);
    if (!allowed) return exchange.rejection(allowed.error(), PayloadRetrieval);
    if (has_more) return no_such_resource();
    return method_not_allowed();
}

Checked<Response> serve_secret(const Exchange& exchange, const SecretId& id) {
    const std::string_view method = exchange.method();
    if (method == "GET") return describe(exchange, id);
    if (method == "PUT") return upload(exchange, id);
    if (method == "DELETE") return remove(exchange, id);
    TRY(require_existing(exchange, id, "secret:get", Retrieval));
    return method_not_allowed("DELETE, GET, PUT");
}

}  // namespace

Checked<Response> serve_secrets(const Exchange& exchange, Segments segments) {
    if (segments.empty()) {
        if (exchange.method() == "GET") return list(exchange);
        if (exchange.method() == "POST") return create(exchange);
        return method_not_allowed("GET, POST");
    }
    const std::string& name = segments.front();
    if (!is_object_id(name)) return reject(404, "Not Found. Provided secret id is invalid.");
    const SecretId id(name);
    if (segments.size() == 1) return serve_secret(exchange, id);
    if (segments[1] == "payload") return serve_payload(exchange, id, segments.size() > 2);
    TRY(require_existing(exchange, id, "secret:get", Retrieval));
    if (segments[1] == "acl") return serve_acl(exchange, id, segments.subspan(2));
    if (segments[1] == "consumers") return serve_consumers(exchange, id, segments.subspan(2));
    if (segments[1] == "metadata") return serve_user_metadata(exchange, id, segments.subspan(2));
    return no_such_resource();
}

}  // namespace sallyport::api
