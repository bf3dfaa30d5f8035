#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::object {

/// Which part of a listing a client wants.
struct ListingQuery {
    std::string prefix;
    std::string marker;      ///< names after this one
    std::string end_marker;  ///< names before this one; empty: no end
    std::string delimiter;   ///< names that have it behind the prefix are folded into one "subdir"
    std::size_t limit = 10000;

    /// Error: `InvalidInput` for a limit that is no number or over 10000.
    static Result<ListingQuery> parse(const std::map<std::string, std::string>& query);
};

struct ListedName {
    std::string name;
    bool subdir = false;
};

/// The names (sorted by their bytes) that a query asks for, in order.
std::vector<ListedName> select_names(const std::vector<std::string>& sorted, const ListingQuery& query);

/// A JSON listing as XML or as names on lines, as Swift's listing_formats makes them.
/// Error: `Corrupt` if it is not such a listing.
Result<std::string> listing_as_xml(const std::string& json, const std::string& element, const std::string& name);
Result<std::string> listing_as_text(const std::string& json);

}  // namespace sallyport::object
