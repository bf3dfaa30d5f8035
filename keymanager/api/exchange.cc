#include "keymanager/api/exchange.h"

#include <algorithm>

#include "keymanager/api/media_type.h"
#include "keymanager/api/response.h"
#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"

namespace sallyport::api {

std::string Exchange::ref(std::string_view collection, std::string_view id) const {
    std::string ref = request.base_url;
    ref.append("/v1/").append(collection).append("/").append(id);
    return ref;
}

Checked<void> Exchange::require_json_accepted() const {
    if (!accepts_json(request.header("Accept"))) return Rejection{406, std::nullopt, {}};
    return {};
}

Checked<void> Exchange::require_json_body() const {
    if (essence_of(request.header("Content-Type")) != "application/json") {
        return reject(415, "Unexpected content type. Expected content types are: ['application/json']");
    }
    return {};
}

Checked<JsonBody> Exchange::json_body() const {
    TRY(require_json_body());
    return JsonBody::parse(request.body, config.request_bytes);
}

Response deleted_response(const Exchange& exchange, const core::Deletion& deletion) {
    Response response = empty_response(204);
    if (deletion.consumers == 0) return response;
    log_warning("{} {} ({}): deleted, and its registered consumers ({}) with it", exchange.request.method,
                exchange.request.target, exchange.request.request_id, deletion.consumers);
    response.headers.emplace_back("X-Sallyport-Deleted-Consumers", std::to_string(deletion.consumers));
    return response;
}

Rejection method_not_allowed(std::string_view allow) {
    std::vector<Header> headers;
    if (!allow.empty()) headers.emplace_back("Allow", allow);
    return reject(405, "", std::move(headers));
}

Rejection no_such_resource() { return reject(404, ""); }

Rejection no_such_path(const Exchange& exchange) {
    if (exchange.method() == "GET" || exchange.method() == "DELETE") return no_such_resource();
    return Rejection{404, std::nullopt, {}};
}

bool is_object_id(std::string_view text) {
    constexpr std::string_view Variants = "89ab";
    return is_uuid(text) && std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'F'; }) &&
           text[14] == '4' && Variants.find(text[19]) != Variants.npos;
}

template <class Text>
void finish_list(Text& out, const Exchange& exchange, std::string_view path, bool has_links, long total,
                 const model::Page& page) {
    const auto link = [&out, &exchange, path, &page](std::string_view name, long offset) {
        std::string href = exchange.request.base_url + "/v1/" + std::string(path);
        href += "?limit=" + std::to_string(page.limit) + "&offset=" + std::to_string(offset);
        href += exchange.target.query_besides_paging();
        out.append(", \"").append(name).append("\": ");
        append_json_string(out, href);
    };
    out += ']';
    if (has_links && page.offset > 0) link("previous", std::max(0L, long{page.offset} - page.limit));
    if (has_links && total > long{page.offset} + page.limit) link("next", long{page.offset} + page.limit);
    out.append(", \"total\": ").append(std::to_string(total)).append("}");
}

template void finish_list<std::string>(std::string&, const Exchange&, std::string_view, bool, long, const model::Page&);
template void finish_list<SecureText>(SecureText&, const Exchange&, std::string_view, bool, long, const model::Page&);

}  // namespace sallyport::api
