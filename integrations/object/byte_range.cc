#include "integrations/object/byte_range.h"

#include <algorithm>

#include "integrations/object/head.h"
#include "integrations/object/text.h"

namespace sallyport::object {
namespace {

// The limits by which Swift refuses ranges that cost much and mean little (RFC 9110, section 17.15).
constexpr std::size_t MostRanges = 50;
constexpr std::size_t MostOverlaps = 2;
constexpr std::size_t FewestRefusedOutOfOrder = 8;

/// One "first-last", "first-" or "-suffix".
struct RangeSpec {
    std::optional<std::uint64_t> first;
    std::optional<std::uint64_t> last;
};

/// Digits, however many: a number beyond 64 bits is beyond any body.
std::optional<std::uint64_t> position(std::string_view digits) {
    if (digits.find_first_not_of("0123456789") != std::string_view::npos || digits.empty()) return std::nullopt;
    const auto number = parse_number(digits);
    return number ? static_cast<std::uint64_t>(*number) : UINT64_MAX;
}

std::optional<RangeSpec> parse_spec(std::string_view text) {
    const auto hyphen = text.find('-');
    if (hyphen == std::string_view::npos) return std::nullopt;
    const std::string_view first = text.substr(0, hyphen);
    const std::string_view last = text.substr(hyphen + 1);
    RangeSpec spec;
    if (!first.empty()) {
        spec.first = position(first);
        if (!spec.first) return std::nullopt;
    }
    if (!last.empty()) {
        spec.last = position(last);
        if (!spec.last) return std::nullopt;
    }
    if (!spec.first && !spec.last) return std::nullopt;
    if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
    return spec;
}

std::optional<std::vector<RangeSpec>> parse_specs(std::string_view header) {
    std::string text(header);
    std::erase(text, ' ');
    if (!starts_with_no_case(text, "bytes=")) return std::nullopt;
    std::vector<RangeSpec> specs;
    std::string_view rest = std::string_view(text).substr(6);
    while (true) {
        const auto comma = rest.find(',');
        const auto spec = parse_spec(rest.substr(0, comma));
        if (!spec) return std::nullopt;
        specs.push_back(*spec);
        if (comma == std::string_view::npos) return specs;
        rest.remove_prefix(comma + 1);
    }
}

std::optional<ByteRange> within(const RangeSpec& spec, std::uint64_t length) {
    if (!spec.first) {
        if (*spec.last == 0) return std::nullopt;
        return ByteRange{length - std::min(length, *spec.last), length};
    }
    if (*spec.first >= length) return std::nullopt;
    const std::uint64_t last = std::min(spec.last.value_or(UINT64_MAX), length - 1);
    return ByteRange{*spec.first, last + 1};
}

bool overlap(const ByteRange& a, const ByteRange& b) {
    return (a.begin < b.begin && b.begin < a.end) || (a.begin < b.end && b.end < a.end) ||
           (b.begin < a.begin && a.begin < b.end) || (b.begin < a.end && a.end < b.end);
}

bool is_egregious(const std::vector<ByteRange>& ranges) {
    if (ranges.size() > MostRanges) return true;
    std::size_t overlaps = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        for (std::size_t j = i + 1; j < ranges.size(); ++j) overlaps += overlap(ranges[i], ranges[j]) ? 1 : 0;
    }
    if (overlaps > MostOverlaps) return true;
    const bool ascending = std::is_sorted(ranges.begin(), ranges.end(),
                                          [](const ByteRange& a, const ByteRange& b) { return a.begin < b.begin; });
    return !ascending && ranges.size() >= FewestRefusedOutOfOrder;
}

}  // namespace

RangeChoice choose_ranges(const std::string* header, std::uint64_t length) {
    using Kind = RangeChoice::Kind;
    if (header == nullptr) return {};
    const auto specs = parse_specs(*header);
    if (!specs) return {};
    RangeChoice choice{Kind::Some, {}};
    for (const RangeSpec& spec : *specs) {
        if (const auto range = within(spec, length)) choice.ranges.push_back(*range);
    }
    if (choice.ranges.empty() || is_egregious(choice.ranges)) return {Kind::Unsatisfiable, {}};
    // The last n bytes of nothing are nothing, and no Content-Range can say so.
    if (length == 0) return {};
    return choice;
}

std::string content_range(const ByteRange& range, std::uint64_t length) {
    return "bytes " + std::to_string(range.begin) + "-" + std::to_string(range.end - 1) + "/" + std::to_string(length);
}

Result<std::uint64_t> offset_of_content_range(std::string_view header) {
    const Error malformed{Code::Corrupt, "malformed Content-Range", {}};
    header = trimmed(header);
    if (!starts_with_no_case(header, "bytes")) return malformed;
    header = trimmed(header.substr(5));
    const auto hyphen = header.find('-');
    const auto slash = header.find('/');
    if (hyphen == std::string_view::npos || slash == std::string_view::npos || slash < hyphen) return malformed;
    const auto first = parse_number(header.substr(0, hyphen));
    const auto last = parse_number(header.substr(hyphen + 1, slash - hyphen - 1));
    const std::string_view length = header.substr(slash + 1);
    const auto whole = parse_number(length);
    if (!first || !last || *last < *first) return malformed;
    if (length != "*" && (!whole || *last >= *whole)) return malformed;
    return static_cast<std::uint64_t>(*first);
}

Result<std::optional<std::string>> multipart_boundary(std::string_view content_type) {
    const auto end_of_type = content_type.find(';');
    if (!equal_no_case(trimmed(content_type.substr(0, end_of_type)), "multipart/byteranges")) return {std::nullopt};
    std::string_view rest = end_of_type == std::string_view::npos ? "" : content_type.substr(end_of_type + 1);
    while (!rest.empty()) {
        const auto semicolon = rest.find(';');
        const std::string_view parameter = trimmed(rest.substr(0, semicolon));
        rest = semicolon == std::string_view::npos ? "" : rest.substr(semicolon + 1);
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos || !equal_no_case(trimmed(parameter.substr(0, equals)), "boundary"))
            continue;
        const std::string_view boundary = without_quotes(trimmed(parameter.substr(equals + 1)));
        // RFC 2046, section 5.1.1: 1 to 70 characters.
        if (boundary.empty() || boundary.size() > 70) break;
        return {std::string(boundary)};
    }
    return Error{Code::Corrupt, "multipart/byteranges without a boundary", {}};
}

}  // namespace sallyport::object
