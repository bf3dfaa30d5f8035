#pragma once

#include <string>
#include <string_view>

namespace sallyport {

/// A fresh random UUID (RFC 4122, version 4), lower case with hyphens.
std::string random_uuid();
/// A fresh UUID that begins with the time (RFC 9562, section 5.7, version 7): rows under such ids are neighbours in an
/// index if they were made together. It tells when it was made, so it is for ids that nobody sees.
std::string time_ordered_uuid();
/// True for 8-4-4-4-12 hexadecimal digits, upper or lower case.
bool is_uuid(std::string_view text);

}  // namespace sallyport
