#include "keymanager/api/versions.h"

#include <string>
#include <string_view>
#include <variant>

#include "keymanager/api/exchange.h"
#include "keymanager/api/healthcheck.h"
#include "keymanager/api/json.h"
#include "keymanager/api/media_type.h"
#include "keymanager/api/response.h"
#include "keymanager/api/target.h"

namespace sallyport::api {
namespace {

std::string version_json(const Request& request, Microversion version) {
    std::string links = R"([{"rel": "self", "href": )";
    append_json_string(links, request.base_url + "/v1/");
    links += R"(}, {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}])";
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("id", "v1");
    if (version.minor == 0) {
        writer.text("status", "stable");
        writer.raw("links", links);
        writer.raw("media-types",
                   R"([{"base": "application/json", "type": "application/vnd.openstack.key-manager-v1+json"}])");
    } else {
        writer.text("status", "CURRENT");
        writer.text("min_version", "1.0");
        writer.text("max_version", "1.1");
        writer.raw("links", links);
    }
    writer.close();
    return json;
}

// The texts of these pages are WebOb's, byte for byte, blanks and all.
constexpr std::string_view NotAcceptable =
    "406 Not Acceptable\n\nThe resource could not be generated that was acceptable to your browser (content of type "
    "${HTTP_ACCEPT}. \n\n ";

Response versions(const Request& request, Microversion version) {
    if (request.method != "GET") {
        return text_response(
            405, "405 Method Not Allowed\n\nThe method " + request.method + " is not allowed for this resource. \n\n ",
            {{"Allow", "GET"}});
    }
    if (!accepts_json(request.header("Accept"))) return text_response(406, NotAcceptable);
    const std::string one = version_json(request, version);
    return json_response(
        300, version.minor == 0 ? R"({"versions": {"values": [)" + one + "]}}" : R"({"versions": [)" + one + "]}");
}

std::string_view path_of(const Request& request) {
    const std::string_view target = request.target;
    return target.substr(0, target.find('?'));
}

}  // namespace

bool is_public_path(const Request& request) {
    const std::string_view path = path_of(request);
    return path != "/v1" && !path.starts_with("/v1/");
}

Response serve_public(const Request& request, const RouterConfig& config) {
    const RequestTarget target(request.target);
    if (!target.segments().empty() && target.segments().front() == "healthcheck") {
        return healthcheck(request, config.healthcheck_disable_file);
    }
    const auto version = microversion_of(request);
    if (const auto* problem = std::get_if<VersionProblem>(&version)) return version_problem_page(*problem);
    const Microversion known = std::get<Microversion>(version);
    Response response = target.segments().empty()
                            ? versions(request, known)
                            : text_response(404, "404 Not Found\n\nThe resource could not be found.\n\n   ");
    add_version_headers(response, known);
    return response;
}

Response version_problem_page(const VersionProblem& problem) {
    if (problem.status == 406) return text_response(406, std::string(NotAcceptable) + problem.explanation);
    return text_response(400,
                         "400 Bad Request\n\nThe server could not comply with the request since it is either malformed "
                         "or otherwise incorrect.\n\n " +
                             problem.explanation + "  ");
}

void add_version_headers(Response& response, Microversion version) {
    response.headers.emplace_back("OpenStack-API-Version", "key-manager " + version.text());
    response.headers.emplace_back("Vary", "openstack-api-version");
}

Checked<Response> serve_version(const Exchange& exchange) {
    if (exchange.method() != "GET") return method_not_allowed("GET");
    TRY(exchange.require_json_accepted());
    return json_response(200, "{\"version\": " + version_json(exchange.request, exchange.version) + "}");
}

}  // namespace sallyport::api
