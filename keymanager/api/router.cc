#include "keymanager/api/router.h"

#include <array>
#include <exception>
#include <new>
#include <span>
#include <variant>

#include "keymanager/api/exchange.h"
#include "keymanager/api/response.h"
#include "keymanager/api/versions.h"
#include "keymanager/base/log.h"

namespace sallyport::api {
namespace {

struct Resource {
    std::string_view collection;
    Checked<Response> (*serve)(const Exchange&, Segments);
};
constexpr std::array Resources{
    Resource{"secrets", serve_secrets},
    Resource{"orders", serve_orders},
    Resource{"containers", serve_containers},
    Resource{"quotas", serve_quotas},
    Resource{"project-quotas", serve_project_quotas},
    Resource{"transport_keys", serve_transport_keys},
    Resource{"secret-stores", serve_secret_stores},
};

Checked<Response> serve(const Exchange& exchange) {
    if (exchange.target.is_garbled()) return reject(400, "");
    // The first segment is "v1": is_public_path() took everything else.
    const std::span<const std::string> segments = std::span(exchange.target.segments()).subspan(1);
    if (segments.empty()) return serve_version(exchange);
    for (const Resource& resource : Resources) {
        if (segments.front() == resource.collection) return resource.serve(exchange, segments.subspan(1));
    }
    return no_such_path(exchange);
}

Response busy(const Request& request) {
    log_warning("{} {} put off ({}): the locked memory for keys is full", request.method, request.target,
                request.request_id);
    // No body: there is no memory for one.
    return Response{503, {{"Retry-After", "1"}}, {}};
}

}  // namespace

struct Router::Impl {
    core::KeyManager& key_manager;
    RouterConfig config;

    Response answer(const Request& request, const core::Caller& caller) const {
        const auto version = microversion_of(request);
        Response response;
        if (const auto* problem = std::get_if<VersionProblem>(&version)) {
            response = version_problem_page(*problem);
        } else {
            const RequestTarget target(request.target);
            const Microversion known = std::get<Microversion>(version);
            auto served = serve({request, target, caller, key_manager, config, known});
            response = served ? *std::move(served) : rejection_response(std::move(served).error());
            add_version_headers(response, known);
        }
        response.headers.emplace_back("x-openstack-request-id", request.request_id);
        return response;
    }
};

Router::Router(core::KeyManager& key_manager, const RouterConfig& config)
    : impl_(std::make_unique<Impl>(Impl{key_manager, config})) {}
Router::~Router() = default;

bool Router::is_public(const Request& request) { return is_public_path(request); }

Response Router::handle(const Request& request, const core::Caller* caller) const {
    try {
        Response response;
        if (is_public(request)) {
            response = serve_public(request, impl_->config);
        } else if (caller == nullptr) {
            response = unauthenticated(request, {});
        } else {
            response = impl_->answer(request, *caller);
        }
        if (request.method == "HEAD") response.body = {};
        return response;
    } catch (const std::bad_alloc&) {
        return busy(request);
    } catch (const std::exception& e) {
        // Nothing above is known to throw anything else; a client gets an answer all the same.
        log_error("{} {} failed ({}): {}", request.method, request.target, request.request_id, e.what());
        return Response{500, {}, {}};
    }
}

Response unauthenticated(const Request& /*request*/, std::string_view www_authenticate_uri) {
    std::vector<Header> headers;
    if (!www_authenticate_uri.empty()) {
        headers.emplace_back("WWW-Authenticate", "Keystone uri=\"" + std::string(www_authenticate_uri) + "\"");
    }
    return json_response(401,
                         R"({"error": {"code": 401, "title": "Unauthorized", )"
                         R"("message": "The request you have made requires authentication."}})",
                         std::move(headers));
}

Response error_response(const Request& request, const Error& error) {
    return rejection_response(reject(error, "System", request.request_id));
}

}  // namespace sallyport::api
