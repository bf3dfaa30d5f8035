#pragma once

#include <span>
#include <string>
#include <string_view>

#include "keymanager/api/http_message.h"
#include "keymanager/api/json.h"
#include "keymanager/api/microversion.h"
#include "keymanager/api/rejection.h"
#include "keymanager/api/router.h"
#include "keymanager/api/target.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::api {

/// One request with what its handler needs. Everything is borrowed for the call.
struct Exchange {
    const Request& request;
    const RequestTarget& target;
    const core::Caller& caller;
    core::KeyManager& key_manager;
    const RouterConfig& config;
    Microversion version;

    std::string_view method() const { return request.method; }
    /// "{base}/v1/secrets/{id}"
    std::string ref(std::string_view collection, std::string_view id) const;
    /// The key manager's no, in the words of an operation.
    Rejection rejection(const Error& error, std::string_view operation) const {
        return reject(error, operation, request.request_id);
    }
    /// 406 unless the client takes JSON.
    Checked<void> require_json_accepted() const;
    /// 415 unless the body is said to be JSON.
    Checked<void> require_json_body() const;
    /// The body, if it is said to be JSON and is. Rejection: 415, 400.
    Checked<JsonBody> json_body() const;
};

/// 204; if consumers were passed over, the log and a header of ours say how many.
Response deleted_response(const Exchange& exchange, const core::Deletion& deletion);
/// 405 with the methods that there are.
Rejection method_not_allowed(std::string_view allow = {});
/// 404 with an empty description: no such resource.
Rejection no_such_resource();
/// The same where nothing looked for it: Barbican's description is null then for methods that change things.
Rejection no_such_path(const Exchange& exchange);
/// True for what can be the id of something here: a random UUID (RFC 9562, section 5.4) as it is printed.
bool is_object_id(std::string_view text);
/// Decided before the policy is asked, as routing is in Barbican: 404 for an object that is not there.
template <class AnyId>
Checked<void> require_existing(const Exchange& exchange, const AnyId& id, std::string_view action,
                               std::string_view operation) {
    const auto object = exchange.key_manager.check(exchange.caller, action, id);
    if (object || object.error().code == Code::Forbidden) return {};
    return exchange.rejection(object.error(), operation);
}
/// Closes the object that `out` has begun as {"secrets": [...]: links to the pages around it, which keep what else the
/// query asked for, and the total. `path` is the list's below /v1/.
template <class Text>
void finish_list(Text& out, const Exchange& exchange, std::string_view path, bool has_links, long total,
                 const model::Page& page);

/// The resources. `segments` are those below /v1/{collection}, or below the object that the resource belongs to.
using Segments = std::span<const std::string>;
Checked<Response> serve_secrets(const Exchange& exchange, Segments segments);
Checked<Response> serve_orders(const Exchange& exchange, Segments segments);
Checked<Response> serve_containers(const Exchange& exchange, Segments segments);
Checked<Response> serve_quotas(const Exchange& exchange, Segments segments);
Checked<Response> serve_project_quotas(const Exchange& exchange, Segments segments);
Checked<Response> serve_transport_keys(const Exchange& exchange, Segments segments);
Checked<Response> serve_secret_stores(const Exchange& exchange, Segments segments);
Checked<Response> serve_version(const Exchange& exchange);

Checked<Response> serve_acl(const Exchange& exchange, const SecretId& id, Segments segments);
Checked<Response> serve_acl(const Exchange& exchange, const ContainerId& id, Segments segments);
Checked<Response> serve_consumers(const Exchange& exchange, const SecretId& id, Segments segments);
Checked<Response> serve_consumers(const Exchange& exchange, const ContainerId& id, Segments segments);
Checked<Response> serve_user_metadata(const Exchange& exchange, const SecretId& id, Segments segments);

}  // namespace sallyport::api
