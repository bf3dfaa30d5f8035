#pragma once

#include <string>
#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// Percent encoding of paths (RFC 3986, section 2.1): "%XX" becomes a byte, all else stays, a stray "%" too.
std::string percent_decoded(std::string_view text);
/// Letters, digits and "_.-~" stay, as do the characters of `also_kept`; every other byte becomes "%XX", upper case.
std::string percent_encoded(std::string_view bytes, std::string_view also_kept = {});

/// Form-style quoting: as percent_encoded, but a blank is "+".
std::string form_quoted(std::string_view bytes);
/// "+" becomes a blank, "%XX" a byte.
std::string form_unquoted(std::string_view text);

bool is_utf8(std::string_view bytes);
/// Each byte as the character of that number, in UTF-8: how bytes are carried where only text fits.
std::string latin1_as_utf8(std::string_view bytes);
/// The reverse. Error: `InvalidInput` if a character is above U+00FF, or it is not UTF-8.
Result<std::string> utf8_as_latin1(std::string_view text);

/// `text` (UTF-8) as a JSON string in quotes, in ASCII only: other characters as \uXXXX in lower case, beyond U+FFFF as
/// a surrogate pair. Error: `InvalidInput` if it is not UTF-8.
Result<std::string> json_ascii(std::string_view text);

std::string_view trimmed(std::string_view text);

/// Digits only, no sign. Error: `InvalidInput`, also if it does not fit.
Result<unsigned long long> parse_number(std::string_view digits);

}  // namespace sallyport::object
