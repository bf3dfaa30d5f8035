#include "keymanager/api/response.h"

#include <new>
#include <utility>

#include "keymanager/api/json.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::api {
namespace {

Response with_body(int status, std::string_view content_type, std::string_view body, std::vector<Header> headers) {
    auto bytes = SecureBytes::copy_of(bytes_of(body));
    // The same as any other allocation that finds the arena full; Router::handle answers 503.
    if (!bytes) throw std::bad_alloc();
    headers.emplace_back("Content-Type", content_type);
    return Response{status, std::move(headers), *std::move(bytes)};
}

}  // namespace

Response json_response(int status, std::string_view json, std::vector<Header> headers) {
    return with_body(status, "application/json", json, std::move(headers));
}

Response text_response(int status, std::string_view text, std::vector<Header> headers) {
    return with_body(status, "text/plain; charset=UTF-8", text, std::move(headers));
}

Response empty_response(int status) { return Response{status, {}, {}}; }

std::string_view title_of(int status) {
    switch (status) {
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 409: return "Conflict";
        case 413: return "Request Entity Too Large";
        case 415: return "Unsupported Media Type";
        case 503: return "Service Unavailable";
        default: return "Internal Server Error";
    }
}

Response rejection_response(Rejection rejection) {
    SecureText json = secure_text();
    JsonObjectWriter writer(json);
    writer.number("code", rejection.status);
    writer.text("title", title_of(rejection.status));
    if (rejection.description) {
        writer.text("description", *rejection.description);
    } else {
        writer.raw("description", "null");
    }
    writer.close();
    return json_response(rejection.status, json, std::move(rejection.headers));
}

Rejection reject(const Error& error, std::string_view operation, std::string_view request_id) {
    const std::string what(operation);
    const auto ours = [&error, &what, request_id] {
        log_error("{} failed ({}): {}: {} {}", what, request_id, name_of(error.code), error.message, error.detail);
        return reject(500, what + " failure seen - please contact site administrator.");
    };
    const auto busy = [&error, &what, request_id] {
        log_warning("{} put off ({}): {}: {} {}", what, request_id, name_of(error.code), error.message, error.detail);
        return reject(503, error.message, {{"Retry-After", "1"}});
    };
    switch (error.code) {
        case Code::InvalidInput: return reject(400, error.message);
        case Code::Unauthenticated: return reject(401, error.message);
        case Code::Forbidden:
            return reject(403, what + " attempt not allowed - please review your user/project privileges");
        case Code::NotFound: return reject(404, error.message);
        case Code::Conflict: return reject(409, error.message);
        case Code::TooLarge: return reject(413, error.message);
        case Code::OverQuota: return reject(403, what + " issue seen - " + error.message + ".");
        case Code::Unavailable:
        case Code::Overloaded: return busy();
        case Code::WrongKey:
        case Code::Refused:
        case Code::Corrupt:
        case Code::Io:
        case Code::Internal: return ours();
    }
    return ours();
}

}  // namespace sallyport::api
