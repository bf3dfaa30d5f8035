#include "agent/node_api/answer.h"

#include <boost/json/serialize.hpp>

#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::node_api {
namespace {

struct Status {
    int code;
    const char* title;
};

Status status_of(Code code) {
    switch (code) {
        case Code::InvalidInput: return {400, "Bad Request"};
        case Code::Unauthenticated: return {401, "Unauthorized"};
        case Code::Forbidden: return {403, "Forbidden"};
        case Code::NotFound: return {404, "Not Found"};
        case Code::Conflict:
        case Code::Refused: return {409, "Conflict"};
        case Code::OverQuota: return {403, "Forbidden"};
        case Code::TooLarge: return {413, "Content Too Large"};
        case Code::WrongKey: return {422, "Unprocessable Content"};
        case Code::Corrupt:
        case Code::Io:
        case Code::Internal: return {500, "Internal Server Error"};
        case Code::Unavailable:
        case Code::Overloaded: return {503, "Service Unavailable"};
    }
    return {500, "Internal Server Error"};
}

api::Response with_body(int status, const boost::json::object& object) {
    auto body = SecureBytes::copy_of(bytes_of(boost::json::serialize(object)));
    // The arena is full: there is no room to say more.
    if (!body) return {503, {{"Retry-After", "1"}}, {}};
    api::Response response{status, {{"Content-Type", "application/json"}}, *std::move(body)};
    if (status == 503) response.headers.emplace_back("Retry-After", "1");
    return response;
}

}  // namespace

api::Response answer(const Result<boost::json::object>& result) {
    if (result) return with_body(200, *result);
    const Error& error = result.error();
    const Status status = status_of(error.code);
    if (status.code >= 500) log_error("{}: {} ({})", name_of(error.code), error.message, error.detail);
    return with_body(status.code, {{"code", status.code}, {"title", status.title}, {"description", error.message}});
}

}  // namespace sallyport::node_api
