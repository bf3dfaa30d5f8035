#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::api {

/// Barbican's internal name of a payload's type ("text/plain" for "TEXT/PLAIN; charset=utf-8"); what it does not know
/// comes back as it is.
std::string normal_payload_type(std::string_view media_type);
/// True for the types that a payload may be stored or asked for under, in any spelling that normalises to one.
bool is_payload_type(std::string_view media_type);
/// The list of them as Barbican's refusals show it.
inline constexpr std::string_view PayloadTypesShown =
    "['text/plain', 'text/plain;charset=utf-8', 'text/plain; charset=utf-8', 'application/octet-stream', "
    "'application/pkcs8']";

/// The payload types with an exact spelling: what is served as text, and as bytes.
bool is_text_spelling(std::string_view media_type);
bool is_binary_spelling(std::string_view media_type);
/// True for the types that a secret's "content_types" shows.
bool is_shown_content_type(std::string_view content_type);

/// The type before the parameters of a Content-Type header; empty if there is none.
std::string_view essence_of(const std::string* content_type_header);

/// Which of the types on offer a client with this Accept header likes best; of equals the first. Empty: none of them.
/// One without the header, and one whose header makes no sense, takes the first.
std::string_view best_offer(const std::string* accept_header, std::initializer_list<std::string_view> offers);
/// Would a client with this Accept header take JSON? So does one without, and one whose header makes no sense.
bool accepts_json(const std::string* accept_header);

}  // namespace sallyport::api
