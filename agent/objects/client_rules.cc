#include "agent/objects/client_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "integrations/object/listing_query.h"
#include "integrations/object/names.h"
#include "integrations/object/text.h"

namespace sallyport::objects {
namespace {

using object::Answer;
using object::equal_no_case;
using object::starts_with_no_case;

constexpr std::array<std::string_view, 5> InnerPrefixes = {
    "X-Account-Sysmeta-", "X-Container-Sysmeta-", "X-Object-Sysmeta-", "X-Object-Transient-Sysmeta-", "X-Backend"};

// RFC 9110, section 7.6.1, and what the server deals with itself.
constexpr std::array<std::string_view, 10> HopByHop = {"Connection", "Keep-Alive",        "Proxy-Connection", "TE",
                                                       "Trailer",    "Transfer-Encoding", "Upgrade",          "Expect",
                                                       "Host",       "Content-Length"};

bool is_inner(std::string_view name) {
    return std::any_of(InnerPrefixes.begin(), InnerPrefixes.end(),
                       [name](std::string_view prefix) { return starts_with_no_case(name, prefix); });
}

bool is_hop_by_hop(std::string_view name) {
    return std::any_of(HopByHop.begin(), HopByHop.end(),
                       [name](std::string_view other) { return equal_no_case(name, other); });
}

Answer unsupported(std::string_view what) {
    return object::text_answer(501, std::string(what) +
                                        " is not supported by this object door: it would have to be done on the "
                                        "plaintext, and the door sees one object at a time. In a Swift cluster the "
                                        "filter in Swift's own pipeline does it.\n");
}

bool is_form(const object::Headers& headers) {
    return starts_with_no_case(headers.value_or("Content-Type", ""), "multipart/form-data");
}

/// What Swift does on plaintext, to the left of its encryption, and this door does not do.
std::optional<Answer> refuse_unsupported(const object::RequestHead& request, const object::Target& target) {
    if (target.query.contains("multipart-manifest")) return unsupported("A static large object (multipart-manifest)");
    if (target.query.contains("extract-archive")) return unsupported("Unpacking an archive (extract-archive)");
    if (request.method == "POST" && is_form(request.headers)) return unsupported("An upload by form");
    if (request.headers.has("X-Object-Manifest")) return unsupported("A dynamic large object (X-Object-Manifest)");
    if (request.headers.has("X-Symlink-Target")) return unsupported("A symlink (X-Symlink-Target)");
    const bool versioned = request.headers.has("X-Versions-Location") || request.headers.has("X-History-Location") ||
                           request.headers.has("X-Versions-Enabled");
    if (versioned) return unsupported("Versioning");
    return std::nullopt;
}

std::optional<Answer> check_length(const object::RequestHead& request, const object::Target& target) {
    if (request.method != "PUT" || !target.path.is_object()) return std::nullopt;
    const bool framed = request.headers.has("Content-Length") || request.headers.has("Transfer-Encoding");
    if (!framed) return object::swift_answer(411);
    if (request.body_length.value_or(0) > LargestObject) return object::swift_answer(413);
    return std::nullopt;
}

std::optional<Answer> set_delete_at(object::RequestHead& request, std::int64_t now_seconds) {
    const std::string* after = request.headers.find("X-Delete-After");
    if (after == nullptr) return std::nullopt;
    const auto seconds = object::parse_number(*after);
    constexpr unsigned long long Longest = 10'000'000'000;
    if (!seconds || *seconds == 0 || *seconds > Longest) return object::text_answer(400, "Non-integer X-Delete-After");
    request.headers.set("X-Delete-At", std::to_string(now_seconds + static_cast<std::int64_t>(*seconds)));
    request.headers.remove("X-Delete-After");
    return std::nullopt;
}

bool is_known(std::string_view method) {
    constexpr std::array<std::string_view, 7> Known = {"GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "OPTIONS"};
    return std::find(Known.begin(), Known.end(), method) != Known.end();
}

}  // namespace

std::optional<Answer> admit(object::RequestHead& request, std::int64_t now_seconds) {
    const auto target = object::parse_target(request.target);
    if (!target) return object::swift_answer(404);
    if (!is_known(request.method)) return object::swift_answer(405);
    const std::string path = target->path.object_path();
    // Names with NUL are reserved for Swift's own use.
    if (path.find('\0') != std::string::npos) return object::text_answer(412, "Invalid UTF8 or contains NULL");
    if (auto refused = refuse_unsupported(request, *target)) return refused;
    if (auto refused = check_length(request, *target)) return refused;
    if (auto refused = set_delete_at(request, now_seconds)) return refused;
    strip_request(request);
    if (const std::string* etag = request.headers.find("Etag")) {
        request.headers.set("Etag", std::string(object::without_quotes(*etag)));
    }
    return std::nullopt;
}

bool names_are_text(std::string_view target) {
    return object::is_utf8(object::percent_decoded(target.substr(0, target.find('?'))));
}

void strip_request(object::RequestHead& request) {
    request.headers.remove_if([](std::string_view name) {
        return is_inner(name) || is_hop_by_hop(name) || equal_no_case(name, "X-Timestamp") ||
               equal_no_case(name, "X-Static-Large-Object");
    });
}

std::optional<Answer> refuse_response(const object::ResponseHead& response, const object::ObjectPath& path) {
    const object::Headers& headers = response.headers;
    const bool is_static = equal_no_case(headers.value_or("X-Static-Large-Object", ""), "true");
    if (is_static || headers.has("X-Object-Manifest")) return unsupported("A large object");
    // A website's index page, for instance, comes under its container's path.
    if (!path.is_object() && headers.has(object::BodyMeta)) return unsupported("An object under another path");
    return std::nullopt;
}

void strip_response(object::ResponseHead& response) {
    response.headers.remove_if([](std::string_view name) {
        return is_inner(name) || (is_hop_by_hop(name) && !equal_no_case(name, "Content-Length"));
    });
}

bool is_other_path(std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    return path == "/info" || path == "/healthcheck" || path == "/auth" || path.starts_with("/auth/");
}

std::optional<ListingFormat> listing_format(const object::Target& target, const object::Headers& request) {
    const auto format = target.query.find("format");
    if (format != target.query.end()) {
        if (equal_no_case(format->second, "json")) return ListingFormat::Json;
        if (equal_no_case(format->second, "xml")) return ListingFormat::Xml;
        return ListingFormat::Text;
    }
    const std::string accept = request.value_or("Accept", "*/*");
    const auto accepts = [&accept](std::string_view type) { return accept.find(type) != std::string::npos; };
    if (accepts("text/plain") || accepts("*/*") || accepts("text/*")) return ListingFormat::Text;
    if (accepts("application/json") || accepts("application/*")) return ListingFormat::Json;
    if (accepts("application/xml") || accepts("text/xml")) return ListingFormat::Xml;
    return std::nullopt;
}

object::Answer render_listing(const object::ObjectPath& path, object::ResponseHead head, std::string json,
                              ListingFormat format) {
    const auto rendered = [&]() -> Result<std::string> {
        switch (format) {
            case ListingFormat::Json:
                head.headers.set("Content-Type", "application/json; charset=utf-8");
                return std::move(json);
            case ListingFormat::Xml:
                head.headers.set("Content-Type", "application/xml; charset=utf-8");
                return path.is_container() ? object::listing_as_xml(json, "container", path.container)
                                           : object::listing_as_xml(json, "account", path.account);
            case ListingFormat::Text:
                head.headers.set("Content-Type", "text/plain; charset=utf-8");
                return object::listing_as_text(json);
        }
        return Error{Code::Internal, "no such format", {}};
    };
    auto body = rendered();
    if (!body) return object::swift_answer(500);
    const bool nothing = format == ListingFormat::Text && body->empty();
    head.status = nothing ? 204 : 200;
    return {std::move(head), *std::move(body)};
}

}  // namespace sallyport::objects
