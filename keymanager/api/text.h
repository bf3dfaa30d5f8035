#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::api {

/// The parts between separators, empty ones too; the views borrow.
std::vector<std::string_view> split(std::string_view text, char separator);

/// %XX decoded; `plus_is_space` for queries. A % without two digits stays.
std::string percent_decoded(std::string_view text, bool plus_is_space);

/// The other way, for a part of a query: letters, digits and "-._~:,*" stay.
std::string percent_encoded(std::string_view text);

/// A whole number as Python's int() reads it: white space around, a sign, digits, single underscores between them. What
/// does not fit is the largest or the smallest long.
std::optional<long> python_int(std::string_view text);

/// ISO 8601 as loosely as Barbican reads it ("2099", "2099-1-1", "20990101T1010", "2099-01-01 10:10:10,5+02"), in UTC.
/// Error: `InvalidInput`.
Result<Timestamp> parse_loose_iso8601(std::string_view text);

bool equal_but_for_case(std::string_view a, std::string_view b);

}  // namespace sallyport::api
