#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "integrations/object/head.h"
#include "integrations/object/target.h"

namespace sallyport::objects {

/// What a client may say to the door. Pure functions, tested without a socket.

// Swift's own limit of one object.
inline constexpr std::uint64_t LargestObject = std::uint64_t{5} * 1024 * 1024 * 1024 + 2;

/// False if the names in a request's target are not UTF-8: no such request goes further.
bool names_are_text(std::string_view target);

/// The client's request as the filter may see it, or the answer that refuses it. Taken off: all system metadata and
/// backend headers, which only we may say; hop-by-hop headers; X-Timestamp. X-Delete-After becomes X-Delete-At.
/// `now_seconds`: since 1970.
std::optional<object::Answer> admit(object::RequestHead& request, std::int64_t now_seconds);

/// Takes off a request what only we may say, and what is the connection's own.
void strip_request(object::RequestHead& request);

/// The 501 for what the store holds and this place cannot give right: large objects (their parts are encrypted one by
/// one), an object that comes under a container's path. `response` is the store's.
std::optional<object::Answer> refuse_response(const object::ResponseHead& response, const object::ObjectPath& path);

/// True for /info, /healthcheck and /auth/…: no objects, passed on as they are where the store takes them.
bool is_other_path(std::string_view target);

/// Takes off a response what no client may see: system metadata, crypto metadata among them, backend headers, and what
/// is the connection's own.
void strip_response(object::ResponseHead& response);

/// The formats of a listing.
enum class ListingFormat { Text, Json, Xml };
/// By the query's `format`, else by Accept; text without either. Nothing if the client accepts none of them.
std::optional<ListingFormat> listing_format(const object::Target& target, const object::Headers& request);

/// A listing in JSON as the client wants it, with its Content-Type: 204 for an empty one in text.
object::Answer render_listing(const object::ObjectPath& path, object::ResponseHead head, std::string json,
                              ListingFormat format);

}  // namespace sallyport::objects
