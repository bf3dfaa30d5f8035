#pragma once

#include <string>
#include <string_view>

namespace sallyport::db {

/// How a vendor writes the place of a value.
enum class PlaceholderStyle {
    Question,  ///< ?
    Dollar     ///< $1, $2
};

struct Rewritten {
    std::string text;
    std::size_t values = 0;  ///< how many places there are
};

/// `text` with its ":name"s in the vendor's style. What stands between quotes is left alone, and so is "::".
Rewritten rewrite_placeholders(std::string_view text, PlaceholderStyle style);

}  // namespace sallyport::db
