#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/route.h"
#include "keymanager/api/http_message.h"

namespace sallyport::http {

/// ASCII letters fold.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// The first header of that name (case folds); nullptr if there is none.
const std::string* find_header(const std::vector<api::Header>& headers, std::string_view name) noexcept;

/// The Date header's value now (RFC 9110, section 5.6.7). Made once a second on each thread.
const std::string& http_date();
/// "req-" and a UUID. Not secret and not meant to be unguessable, so no random device is asked.
std::string new_request_id();
/// What refs begin with if the operator does not say: the scheme and the host that the client used.
std::string base_url_for(bool tls, const api::Request& request);

/// How the body of an answer is marked in its head.
struct BodyMark {
    std::optional<std::uint64_t> length;  ///< Content-Length
    bool chunked = false;                 ///< neither: none (204, 304), or it ends with the connection
};
enum class ConnectionMark { None, Close, KeepAlive };

/// Writes the head of an answer into `out` (cleared first). Headers that the server owns are left out of `head`, and
/// so are names and values that would break the framing (a CR, LF or NUL in them).
void write_response_head(const ResponseHead& head, const BodyMark& body, ConnectionMark connection, std::string& out);
/// The head of a request (its body is not looked at). `host` is the value of Host.
void write_request_head(const api::Request& request, std::string_view target_prefix, std::string_view host,
                        const BodyMark& body, std::string& out);

}  // namespace sallyport::http
