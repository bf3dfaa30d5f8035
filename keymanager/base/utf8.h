#pragma once

#include <cstddef>
#include <string_view>

namespace sallyport {

/// RFC 3629: no surrogates, nothing overlong, nothing beyond U+10FFFF.
bool is_utf8(std::string_view bytes);

/// What follows asks for valid UTF-8.

/// One code point; `at` moves past it.
char32_t next_code_point(std::string_view utf8, std::size_t& at);
std::size_t code_points(std::string_view utf8);

/// What str.isspace() of Python 3.11 (Unicode 14) is true for.
bool is_python_space(char32_t c);
/// Without that white space at both ends (str.strip()), at the left (lstrip), at the right (rstrip). Views borrow.
std::string_view trimmed(std::string_view utf8);
std::string_view trimmed_left(std::string_view utf8);
std::string_view trimmed_right(std::string_view utf8);

}  // namespace sallyport
