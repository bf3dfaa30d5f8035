#include "agent/http/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <random>
#include <span>

#include "agent/http/parser.h"

namespace sallyport::http {
namespace {

constexpr std::array<std::string_view, 8> OwnedByServer = {
    "content-length", "transfer-encoding", "date", "connection", "keep-alive", "trailer", "upgrade", "te"};

char folded(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_owned_by_server(std::string_view name) {
    return std::any_of(OwnedByServer.begin(), OwnedByServer.end(),
                       [name](std::string_view owned) { return equal_ignoring_case(owned, name); });
}

/// Response splitting (CWE-113) ends here, whoever made the value.
bool breaks_framing(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_headers(std::string& out, const std::vector<api::Header>& headers) {
    for (const auto& [name, value] : headers) {
        if (is_owned_by_server(name) || breaks_framing(name) || breaks_framing(value)) continue;
        out.append(name).append(": ").append(value).append("\r\n");
    }
}

void append_body_mark(std::string& out, const BodyMark& body) {
    if (body.chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (body.length) {
        out.append("Content-Length: ");
        append_number(out, *body.length);
        out.append("\r\n");
    }
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return folded(x) == folded(y); });
}

const std::string* find_header(const std::vector<api::Header>& headers, std::string_view name) noexcept {
    for (const auto& [header, value] : headers) {
        if (equal_ignoring_case(header, name)) return &value;
    }
    return nullptr;
}

const std::string& http_date() {
    thread_local std::time_t made_at = 0;
    thread_local std::string text;
    const std::time_t now = std::time(nullptr);
    if (now != made_at) {
        std::tm utc{};
        gmtime_r(&now, &utc);
        std::array<char, 40> line{};
        const std::size_t length = std::strftime(line.data(), line.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
        text.assign(line.data(), length);
        made_at = now;
    }
    return text;
}

std::string new_request_id() {
    thread_local std::mt19937_64 generator{(std::uint64_t{std::random_device{}()} << 32U) ^
                                           std::uint64_t{std::random_device{}()}};
    constexpr std::string_view Digits = "0123456789abcdef";
    // RFC 4122, section 4.4: version 4 in the 13th digit, variant 10 in the 17th.
    const std::uint64_t high = (generator() & 0xffffffffffff0fffU) | 0x4000U;
    const std::uint64_t low = (generator() & 0x3fffffffffffffffU) | 0x8000000000000000U;
    std::string id = "req-00000000-0000-0000-0000-000000000000";
    std::size_t at = 4;
    for (const std::uint64_t half : {high, low}) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            if (id[at] == '-') ++at;
            id[at++] = Digits[(half >> static_cast<unsigned>(shift)) & 0xfU];
        }
    }
    return id;
}

std::string base_url_for(bool tls, const api::Request& request) {
    const std::string* host = find_header(request.headers, "host");
    std::string url = tls ? "https://" : "http://";
    url += host == nullptr || host->empty() ? "localhost" : *host;
    return url;
}

void write_response_head(const ResponseHead& head, const BodyMark& body, ConnectionMark connection, std::string& out) {
    out.assign("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(head.status));
    out.append(" ").append(reason_of(head.status)).append("\r\n");
    append_headers(out, head.headers);
    append_body_mark(out, body);
    switch (connection) {
        case ConnectionMark::None: break;
        case ConnectionMark::Close: out.append("Connection: close\r\n"); break;
        case ConnectionMark::KeepAlive: out.append("Connection: keep-alive\r\n"); break;
    }
    out.append("Date: ").append(http_date()).append("\r\n\r\n");
}

void write_request_head(const api::Request& request, std::string_view target_prefix, std::string_view host,
                        const BodyMark& body, std::string& out) {
    out.assign(request.method).append(" ").append(target_prefix).append(request.target).append(" HTTP/1.1\r\nHost: ");
    out.append(host).append("\r\n");
    for (const auto& [name, value] : request.headers) {
        if (is_owned_by_server(name) || equal_ignoring_case(name, "host")) continue;
        if (breaks_framing(name) || breaks_framing(value)) continue;
        out.append(name).append(": ").append(value).append("\r\n");
    }
    append_body_mark(out, body);
    out.append("\r\n");
}

}  // namespace sallyport::http
