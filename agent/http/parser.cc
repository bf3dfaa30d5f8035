#include "agent/http/parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/http/head.h"
#include "keymanager/base/bytes.h"

namespace sallyport::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;

/// Nobody needs more; each is two strings of ours.
constexpr std::size_t MostHeaders = 128;
/// "0", CR LF, CR LF: no chunk's header is the end of fewer bytes. Beast asserts that it is not asked about a last
/// chunk before they are all there.
constexpr std::size_t ShortestLastChunk = 5;

/// Beast's parser with our sinks: head into a vector of headers, chunks into a span.
template <bool IsRequest>
class Sink final : public beast::http::basic_parser<IsRequest> {
public:
    explicit Sink(std::vector<api::Header>& into) : headers(&into) {
        this->eager(false);
        // Both limits are the connection's.
        this->header_limit(1U << 30U);
        this->body_limit(boost::none);
    }

    std::vector<api::Header>* headers;
    std::string* method = nullptr;
    std::string* target = nullptr;
    int status = 0;
    int version = 0;
    bool head_done = false;
    std::span<std::byte> out;
    std::size_t produced = 0;
    std::uint64_t chunk_left = 0;
    bool bad_extension = false;

private:
    void on_request_impl(beast::http::verb, string_view method_text, string_view target_text, int number,
                         error_code&) override {
        method->assign(method_text.data(), method_text.size());
        target->assign(target_text.data(), target_text.size());
        version = number;
    }
    void on_response_impl(int code, string_view, int number, error_code&) override {
        status = code;
        version = number;
    }
    void on_field_impl(beast::http::field, string_view name, string_view value, error_code& error) override {
        // Trailers are read and dropped: nothing we serve gives them a meaning (RFC 9110, section 6.5.1).
        if (head_done) return;
        if (headers->size() == MostHeaders) {
            error = beast::http::error::header_limit;
            return;
        }
        headers->emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    }
    void on_header_impl(error_code&) override { head_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code&) override {
        chunk_left = size;
        bad_extension = bad_extension || std::any_of(extensions.begin(), extensions.end(), [](char c) {
                            return static_cast<unsigned char>(c) < 0x20 && c != '\t';
                        });
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
        const std::size_t n = std::min(body.size(), out.size() - produced);
        if (n > 0) std::memcpy(out.data() + produced, body.data(), n);
        produced += n;
        chunk_left -= n;
        return n;
    }
    void on_finish_impl(error_code&) override {}
};

Error broken(std::string what) { return Error{Code::InvalidInput, std::move(what), {}}; }

Error broken_by(const error_code& error) {
    if (error == beast::http::error::header_limit) return Error{Code::TooLarge, "too many headers", {}};
    return broken("malformed HTTP: " + error.message());
}

std::size_t count_of(const std::vector<api::Header>& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(), [name](const api::Header& header) {
        return equal_ignoring_case(header.first, name);
    }));
}

/// What Beast lets pass of a body's framing and we do not: one Content-Length, of digits only; one Transfer-Encoding,
/// and that "chunked"; never both (RFC 9112, sections 6.1 and 6.3: the ways to smuggle a request).
Result<void> check_framing(const std::vector<api::Header>& headers, int version) {
    const std::size_t lengths = count_of(headers, "content-length");
    const std::size_t codings = count_of(headers, "transfer-encoding");
    if (lengths > 1) return broken("more than one Content-Length");
    if (lengths == 1) {
        const std::string& length = *find_header(headers, "content-length");
        if (length.empty() || length.find_first_not_of("0123456789") != std::string::npos) {
            return broken("Content-Length is no number");
        }
    }
    if (codings == 0) return {};
    if (lengths > 0) return broken("both Content-Length and Transfer-Encoding");
    if (version < 11) return broken("Transfer-Encoding in HTTP/1.0");
    if (codings > 1) return broken("more than one Transfer-Encoding");
    const std::string& coding = *find_header(headers, "transfer-encoding");
    if (!equal_ignoring_case(coding, "chunked")) {
        return Error{Code::Refused, "unknown transfer coding: only chunked is spoken here", coding};
    }
    return {};
}

bool is_host_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(".-_:[]%~").find(c) != std::string_view::npos;
}

/// RFC 9112, section 3.2: one Host in HTTP/1.1, and one that can stand in a URL. The same one twice is let pass,
/// against the RFC's word but not its reason: Python's http.client sends its own beside the one that the program gives
/// it.
Result<void> check_host(const std::vector<api::Header>& headers, int version) {
    const std::string* first = find_header(headers, "host");
    if (first == nullptr) return version >= 11 ? Result<void>(broken("no Host")) : Result<void>();
    const std::string& host = *first;
    for (const auto& [name, value] : headers) {
        if (equal_ignoring_case(name, "host") && value != host) return broken("more than one Host");
    }
    if (!std::all_of(host.begin(), host.end(), is_host_character)) return broken("Host is no host");
    return {};
}

/// RFC 9112, section 3.2.2: of an absolute URL the path and query count, and its authority replaces Host.
Result<void> reduce_target(api::Request& request) {
    if (request.target.starts_with('/')) return {};
    if (request.target == "*" && request.method == "OPTIONS") return {};
    const std::string_view target = request.target;
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos || (!equal_ignoring_case(target.substr(0, scheme), "http") &&
                                             !equal_ignoring_case(target.substr(0, scheme), "https"))) {
        return broken("the request target is no path");
    }
    const std::string_view rest = target.substr(scheme + 3);
    const std::size_t path = rest.find_first_of("/?");
    const std::string authority(rest.substr(0, path));
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), is_host_character)) {
        return broken("the request target is no URL");
    }
    for (auto& [name, value] : request.headers) {
        if (equal_ignoring_case(name, "host")) value = authority;
    }
    std::string reduced(path == std::string_view::npos ? std::string_view() : rest.substr(path));
    if (!reduced.starts_with('/')) reduced.insert(0, "/");
    request.target = std::move(reduced);
    return {};
}

}  // namespace

struct MessageParser::Impl {
    explicit Impl(Role for_role) : role(for_role) {}
    Role role;
    std::vector<api::Header> no_headers;  ///< where trailers would go
    std::optional<Sink<true>> request;
    std::optional<Sink<false>> response;
};

MessageParser::MessageParser(Role role) : impl_(std::make_unique<Impl>(role)) {}
MessageParser::~MessageParser() = default;

Result<Framing> MessageParser::parse_request_head(std::string_view block, api::Request& into) {
    into.headers.clear();
    impl_->request.emplace(into.headers);
    Sink<true>& parser = *impl_->request;
    parser.method = &into.method;
    parser.target = &into.target;
    error_code error;
    const std::size_t used = parser.put({block.data(), block.size()}, error);
    if (error) return broken_by(error);
    if (used != block.size() || !parser.is_header_done()) return broken("malformed HTTP head");
    parser.headers = &impl_->no_headers;

    TRY(check_framing(into.headers, parser.version));
    TRY(check_host(into.headers, parser.version));
    TRY(reduce_target(into));
    Framing framing;
    framing.version = parser.version;
    framing.keep_alive = parser.keep_alive();
    framing.chunked = parser.chunked();
    if (!framing.chunked) {
        const auto length = parser.content_length();
        if (length) framing.length = *length;
    }
    if (const std::string* expect = find_header(into.headers, "expect"); expect != nullptr && framing.version >= 11) {
        framing.expects_continue = equal_ignoring_case(*expect, "100-continue");
    }
    return framing;
}

Result<Framing> MessageParser::parse_response_head(std::string_view block, bool to_head, api::Response& into) {
    into.headers.clear();
    impl_->response.emplace(into.headers);
    Sink<false>& parser = *impl_->response;
    error_code error;
    const std::size_t used = parser.put({block.data(), block.size()}, error);
    if (error) return broken_by(error);
    if (used != block.size() || !parser.is_header_done()) return broken("malformed HTTP head");
    parser.headers = &impl_->no_headers;
    into.status = parser.status;

    Framing framing;
    framing.version = parser.version;
    // RFC 9112, section 6.3: these have no body, whatever their headers say.
    const bool bodiless = to_head || parser.status / 100 == 1 || parser.status == 204 || parser.status == 304;
    if (bodiless) {
        framing.keep_alive = parser.keep_alive() || framing.version >= 11;
        const std::string* connection = find_header(into.headers, "connection");
        if (connection != nullptr && equal_ignoring_case(*connection, "close")) framing.keep_alive = false;
        return framing;
    }
    TRY(check_framing(into.headers, parser.version));
    framing.chunked = parser.chunked();
    const auto length = parser.content_length();
    if (!framing.chunked && length) framing.length = *length;
    framing.until_close = !framing.chunked && !framing.length;
    framing.keep_alive = parser.keep_alive() && !framing.until_close;
    return framing;
}

Result<ChunkProgress> MessageParser::parse_chunked(std::span<const std::byte> raw, std::span<std::byte> into) {
    const auto decode = [&](auto& parser) -> Result<ChunkProgress> {
        parser.out = into;
        parser.produced = 0;
        ChunkProgress progress;
        // Beast goes one step at a time: a chunk's header, then a piece of its body.
        while (progress.consumed < raw.size() && !parser.is_done()) {
            error_code error;
            const auto rest = raw.subspan(progress.consumed);
            if (parser.chunk_left == 0 && rest.size() < ShortestLastChunk) break;
            const std::size_t used = parser.put({rest.data(), rest.size()}, error);
            progress.consumed += used;
            if (parser.bad_extension) return broken("malformed chunk extension");
            if (error == beast::http::error::need_more) break;
            if (error) return broken_by(error);
            if (used == 0) break;
        }
        progress.produced = parser.produced;
        progress.done = parser.is_done();
        return progress;
    };
    return impl_->role == Role::Server ? decode(*impl_->request) : decode(*impl_->response);
}

HeadScan scan_head(std::string_view bytes, std::size_t& scanned) {
    std::size_t at = scanned;
    while (at < bytes.size()) {
        const void* found = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
        const std::size_t feed =
            found == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        // A CR is only ever followed by an LF; the last byte may be a CR whose LF is on its way.
        const std::string_view line = bytes.substr(at, feed - at);
        const std::size_t cr = line.find('\r');
        if (found == nullptr) {
            if (cr != std::string_view::npos && at + cr + 1 != bytes.size()) return {HeadScan::State::Broken, 0};
            break;
        }
        if (cr == std::string_view::npos || cr + 1 != line.size()) return {HeadScan::State::Broken, 0};
        if (line.size() == 1) {
            scanned = feed + 1;
            return {HeadScan::State::Complete, feed + 1};
        }
        // An obsolete line folding.
        if (at > 0 && (line.front() == ' ' || line.front() == '\t')) return {HeadScan::State::Broken, 0};
        at = feed + 1;
    }
    scanned = at;
    return {};
}

std::string_view reason_of(int status) {
    const string_view reason = beast::http::obsolete_reason(static_cast<beast::http::status>(status));
    return reason.empty() ? "Unknown" : std::string_view(reason.data(), reason.size());
}

}  // namespace sallyport::http
