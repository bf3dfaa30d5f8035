#include "integrations/object/metadata_limits.h"

#include <string>

#include "integrations/object/names.h"

namespace sallyport::object {
namespace {

constexpr std::size_t LongestHeader = 8192;
constexpr std::size_t LongestName = 128;
constexpr std::size_t LongestValue = 256;
constexpr std::size_t MostItems = 90;
constexpr std::size_t MostInAll = 4096;

}  // namespace

std::optional<Answer> check_metadata(const Headers& request) {
    std::size_t items = 0;
    std::size_t size = 0;
    for (const auto& [header, value] : request) {
        if (value.size() > LongestHeader) {
            return text_answer(400, "Header value too long: " + title_case(header).substr(0, LongestName));
        }
        if (!starts_with_no_case(header, UserMetaPrefix)) continue;
        const std::string name = title_case(header.substr(UserMetaPrefix.size()));
        const std::string shown = "x-object-meta-" + name;
        if (name.empty()) return text_answer(400, "Metadata name cannot be empty");
        items += 1;
        size += name.size() + value.size();
        if (name.size() > LongestName) return text_answer(400, "Metadata name too long: " + shown);
        if (value.size() > LongestValue) {
            return text_answer(400, "Metadata value longer than " + std::to_string(LongestValue) + ": " + shown);
        }
        if (items > MostItems) return text_answer(400, "Too many metadata items; max " + std::to_string(MostItems));
        if (size > MostInAll) return text_answer(400, "Total metadata too large; max " + std::to_string(MostInAll));
    }
    return std::nullopt;
}

}  // namespace sallyport::object
