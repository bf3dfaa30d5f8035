#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "migration/plan.h"
#include "migration/report.h"

/// What the reports for people have in common.
namespace sallyport::migration {

inline constexpr std::size_t MostRows = 1000;  ///< of a table; a browser takes no more with pleasure

/// What a state means, in a few words.
std::string_view meaning_of(State state);

long total(const StateCounts& counts, State state);
/// Of all objects that are encrypted.
long total(const StateCounts& counts);

inline constexpr std::array Columns{std::string_view("object"), std::string_view("state"),  std::string_view("why"),
                                    std::string_view("host"),   std::string_view("status"), std::string_view("project"),
                                    std::string_view("user")};
/// What an object has in each column.
std::array<std::string, Columns.size()> cells_of(const ReportObject& object);

/// One sentence on what is to be done; the first that one reads.
std::string verdict(const Report& report);

}  // namespace sallyport::migration
