#include "keymanager/api/exchange.h"

#include <algorithm>

#include "keymanager/api/media_type.h"

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

Checked<JsonBody> Exchange::json_body() const {
    if (essence_of(request.header("Content-Type")) != "application/json") {
        return reject(415, "Unexpected content type. Expected content types are: ['application/json']");
    }
    return JsonBody::parse(request.body, config.request_bytes);
}

Rejection method_not_allowed(std::string_view allow) {
    std::vector<Header> headers;
    if (!allow.empty()) headers.emplace_back("Allow", allow);
    return reject(405, "", std::move(headers));
}

Rejection no_such_resource() { return reject(404, ""); }

template <class Text>
void finish_list(Text& out, const Exchange& exchange, std::string_view collection, bool is_empty, long total,
                 const model::Page& page) {
    const auto link = [&out, &exchange, collection, &page](std::string_view name, long offset) {
        const std::string query = "?limit=" + std::to_string(page.limit) + "&offset=" + std::to_string(offset);
        out.append(", \"").append(name).append("\": ");
        append_json_string(out, exchange.request.base_url + "/v1/" + std::string(collection) + query);
    };
    out += ']';
    // Filters and sort are lost in these links, as in Barbican 15.0.1, and an empty page has none.
    if (!is_empty && page.offset > 0) link("previous", std::max(0L, long{page.offset} - page.limit));
    if (!is_empty && total > long{page.offset} + page.limit) link("next", long{page.offset} + page.limit);
    out.append(", \"total\": ").append(std::to_string(total)).append("}");
}

template void finish_list<std::string>(std::string&, const Exchange&, std::string_view, bool, long, const model::Page&);
template void finish_list<SecureText>(SecureText&, const Exchange&, std::string_view, bool, long, const model::Page&);

}  // namespace sallyport::api
