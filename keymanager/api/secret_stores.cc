#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/response.h"

namespace sallyport::api {
namespace {

/// What Barbican answers where several stores are not enabled, to those whom the policy lets ask.
Checked<Response> not_enabled(const Exchange& exchange, std::string_view action, std::string_view operation) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, action); !allowed) {
        return exchange.rejection(allowed.error(), operation);
    }
    return reject(404, "Not Found. Multiple backends support is not enabled in service configuration.");
}

}  // namespace

Checked<Response> serve_secret_stores(const Exchange& exchange, Segments segments) {
    if (segments.empty()) {
        if (exchange.method() != "GET") return method_not_allowed("GET");
        return not_enabled(exchange, "secretstores:get", "List available secret stores");
    }
    if (segments.size() == 1 && segments.front() == "global-default") {
        return not_enabled(exchange, "secretstores:get_global_default", "Retrieve global default secret store");
    }
    if (segments.size() == 1 && segments.front() == "preferred") {
        return not_enabled(exchange, "secretstores:get_preferred", "Retrieve project preferred store");
    }
    // A store by its id: there is none, whoever asks.
    return reject(404, "Not Found. Multiple backends support is not enabled in service configuration.");
}

}  // namespace sallyport::api
