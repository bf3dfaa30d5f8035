#include "agent/objects/copy_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "integrations/object/names.h"
#include "integrations/object/text.h"

namespace sallyport::objects {
namespace {

using object::Answer;
using object::ObjectPath;
using object::percent_encoded;

/// Of a copy's request, and of no use to either of its halves.
constexpr std::array<std::string_view, 6> OfCopies = {"Destination",         "Destination-Account", "X-Copy-From",
                                                      "X-Copy-From-Account", "X-Fresh-Metadata",    "Content-Length"};
/// What a GET takes of the client's headers and a PUT must not have.
constexpr std::array<std::string_view, 6> OfReaders = {
    "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Range", "If-Range"};
constexpr std::array<std::string_view, 8> OfContent = {"Content-Type",     "Content-Encoding", "Content-Disposition",
                                                       "Content-Language", "Cache-Control",    "Expires",
                                                       "X-Robots-Tag",     "X-Delete-At"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view other) { return object::equal_no_case(name, other); });
}

/// "container/object" as it stands in a header: percent-encoded, with or without a slash before it.
std::optional<ObjectPath> parse_place(std::string_view header, std::string account) {
    const std::string decoded = object::percent_decoded(header);
    std::string_view rest = decoded;
    if (rest.starts_with('/')) rest.remove_prefix(1);
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size()) return std::nullopt;
    return ObjectPath{std::move(account), std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))};
}

Answer misplaced(std::string_view header) {
    return object::text_answer(
        412, std::string(header).append(" header must be of the form <container name>/<object name>"));
}

std::string target_of(const ObjectPath& path) { return "/v1" + percent_encoded(path.object_path(), "/"); }

bool is_true(const std::string* value) {
    constexpr std::array<std::string_view, 6> Words = {"true", "1", "yes", "on", "t", "y"};
    return value != nullptr && is_one_of(*value, Words);
}

}  // namespace

std::variant<std::monostate, Copy, Answer> copy_of(const object::RequestHead& request, const object::Target& target) {
    const bool by_method = request.method == "COPY";
    const std::string* from = request.headers.find("X-Copy-From");
    if (!by_method && (request.method != "PUT" || from == nullptr)) return std::monostate();
    if (!target.path.is_object()) return object::swift_answer(405);
    if (request.body_length.value_or(0) > 0) {
        return object::text_answer(400, "Copy requests require a zero byte body");
    }
    const std::string_view header = by_method ? "Destination" : "X-Copy-From";
    const std::string* place = request.headers.find(header);
    if (place == nullptr) return object::text_answer(412, "Destination header required");
    const std::string* account = request.headers.find(by_method ? "Destination-Account" : "X-Copy-From-Account");
    std::string owner = account == nullptr ? target.path.account : object::percent_decoded(*account);
    if (owner.empty() || owner.find('/') != std::string::npos) {
        return object::text_answer(412, "Account name cannot contain slashes");
    }
    auto other = parse_place(*place, std::move(owner));
    if (!other) return misplaced(header);

    Copy copy;
    copy.source = by_method ? target.path : *other;
    copy.destination = by_method ? *std::move(other) : target.path;
    copy.fresh_metadata = is_true(request.headers.find("X-Fresh-Metadata"));
    copy.get = {"GET", target_of(copy.source), request.headers, std::nullopt};
    copy.get.headers.remove_if([](std::string_view name) {
        return is_one_of(name, OfCopies) || is_one_of(name, OfContent) || object::equal_no_case(name, "Etag") ||
               object::starts_with_no_case(name, object::UserMetaPrefix);
    });
    copy.put = {"PUT", target_of(copy.destination), request.headers, std::nullopt};
    // "*" is a condition on the destination: that nothing is there yet.
    const std::string none_match = request.headers.value_or("If-None-Match", "");
    if (object::trimmed(none_match) == "*") copy.get.headers.remove("If-None-Match");
    copy.put.headers.remove_if(
        [](std::string_view name) { return is_one_of(name, OfCopies) || is_one_of(name, OfReaders); });
    if (object::trimmed(none_match) == "*") copy.put.headers.set("If-None-Match", "*");
    return copy;
}

void add_source_headers(Copy& copy, const object::ResponseHead& source) {
    for (const auto& [name, value] : source.headers) {
        const bool is_metadata = object::starts_with_no_case(name, object::UserMetaPrefix);
        const bool taken = is_one_of(name, OfContent) || is_metadata;
        const bool left_behind = copy.fresh_metadata && !object::equal_no_case(name, "Content-Type");
        if (taken && !left_behind && !copy.put.headers.has(name)) copy.put.headers.add(name, value);
    }
    // The whole of it arrives as it was sent, or not at all.
    const std::string* etag = source.headers.find("Etag");
    if (source.status == 200 && etag != nullptr && !copy.put.headers.has("Etag")) {
        copy.put.headers.set("Etag", std::string(object::without_quotes(*etag)));
    }
}

void add_copied_from(const Copy& copy, const object::ResponseHead& source, object::ResponseHead& answer) {
    answer.headers.set("X-Copied-From", percent_encoded(copy.source.container + "/" + copy.source.object, "/"));
    answer.headers.set("X-Copied-From-Account", percent_encoded(copy.source.account));
    if (const std::string* modified = source.headers.find("Last-Modified")) {
        answer.headers.set("X-Copied-From-Last-Modified", *modified);
    }
    for (const auto& [name, value] : copy.put.headers) {
        if (object::starts_with_no_case(name, object::UserMetaPrefix)) answer.headers.set(name, value);
    }
}

}  // namespace sallyport::objects
