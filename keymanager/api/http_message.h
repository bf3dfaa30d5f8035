#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/base/secure_bytes.h"

namespace sallyport::api {

using Header = std::pair<std::string, std::string>;

/// One HTTP request as values, whatever carried it. Bodies are in locked memory: any of them may hold a secret.
struct Request {
    std::string method;           ///< "GET", as sent
    std::string target;           ///< path and query, as sent ("/v1/secrets?limit=2")
    std::vector<Header> headers;  ///< in order; names as sent
    SecureBytes body;
    std::string base_url;    ///< what refs begin with: host_href, or "http://" + Host; no trailing slash
    std::string request_id;  ///< "req-…": the client's own X-Openstack-Request-Id or one that the edge made

    /// The first header of that name (case folds); nullptr if there is none.
    const std::string* header(std::string_view name) const;
};

/// One HTTP response as values. Content-Length, Date and Connection are the edge's.
struct Response {
    int status = 200;
    std::vector<Header> headers;
    SecureBytes body;
};

}  // namespace sallyport::api
