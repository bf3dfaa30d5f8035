#include "keymanager/api/media_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <vector>

namespace sallyport::api {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (std::size_t start = 0;;) {
        const std::size_t end = text.find(separator, start);
        parts.push_back(trim(text.substr(start, end == text.npos ? text.npos : end - start)));
        if (end == text.npos) return parts;
        start = end + 1;
    }
}

bool is_token(std::string_view text) {
    // RFC 9110, section 5.6.2.
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

/// One media range of an Accept header (RFC 9110, section 12.5.1).
struct Range {
    std::string type;
    bool has_parameters = false;
    double quality = 1;
};

std::optional<Range> range_of(std::string_view text) {
    const auto parts = split(text, ';');
    const auto slash = parts.front().find('/');
    if (slash == std::string_view::npos || !is_token(parts.front().substr(0, slash)) ||
        !is_token(parts.front().substr(slash + 1))) {
        return std::nullopt;
    }
    Range range{lower(parts.front())};
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto equals = parts[i].find('=');
        if (equals == std::string_view::npos || equals == 0) return std::nullopt;
        if (lower(parts[i].substr(0, equals)) == "q") {
            range.quality = std::strtod(std::string(parts[i].substr(equals + 1)).c_str(), nullptr);
        } else {
            range.has_parameters = true;
        }
    }
    return range;
}

/// 3: the type itself, 2: all of its kind, 1: anything, 0: no match.
int specificity_of(const Range& range, std::string_view offer) {
    if (range.type == offer && !range.has_parameters) return 3;
    if (range.type == std::string(offer.substr(0, offer.find('/'))) + "/*") return 2;
    return range.type == "*/*" ? 1 : 0;
}

constexpr std::array TextSpellings{"text/plain", "text/plain;charset=utf-8", "text/plain; charset=utf-8"};
constexpr std::array BinarySpellings{"application/octet-stream", "application/pkcs8"};

bool contains(const auto& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

}  // namespace

std::string normal_payload_type(std::string_view media_type) {
    const auto parts = split(media_type, ';');
    if (parts.size() > 1) {
        const auto parameter = split(parts[1], '=');
        if (parameter.size() < 2 || lower(parameter[1]) != "utf-8") return std::string(media_type);
    }
    const std::string essence = lower(parts.front());
    const bool known = essence == "text/plain" || contains(BinarySpellings, essence) || essence == "application/aes";
    return known ? essence : std::string(media_type);
}

bool is_payload_type(std::string_view media_type) {
    if (contains(TextSpellings, media_type) || contains(BinarySpellings, media_type)) return true;
    const std::string normal = normal_payload_type(media_type);
    return contains(TextSpellings, normal) || contains(BinarySpellings, normal);
}

bool is_text_spelling(std::string_view media_type) { return contains(TextSpellings, media_type); }
bool is_binary_spelling(std::string_view media_type) { return contains(BinarySpellings, media_type); }

bool is_shown_content_type(std::string_view content_type) {
    return content_type == "text/plain" || contains(BinarySpellings, content_type) || content_type == "application/aes";
}

std::string_view essence_of(const std::string* content_type_header) {
    return content_type_header == nullptr ? std::string_view() : split(*content_type_header, ';').front();
}

std::string_view best_offer(const std::string* accept_header, std::initializer_list<std::string_view> offers) {
    if (accept_header == nullptr || trim(*accept_header).empty()) return *offers.begin();
    std::vector<Range> ranges;
    for (const std::string_view part : split(*accept_header, ',')) {
        if (part.empty()) continue;
        auto range = range_of(part);
        if (!range) return *offers.begin();  // a header that makes no sense is no header
        ranges.push_back(*std::move(range));
    }
    std::string_view best;
    double best_quality = 0;
    for (const std::string_view offer : offers) {
        // RFC 9110, section 12.5.1: the most specific range that matches says how much the type is liked.
        int specificity = 0;
        double quality = 0;
        for (const Range& range : ranges) {
            const int matches = specificity_of(range, offer);
            if (matches <= specificity) continue;
            specificity = matches;
            quality = range.quality;
        }
        if (quality <= best_quality) continue;
        best = offer;
        best_quality = quality;
    }
    return best;
}

bool accepts_json(const std::string* accept_header) {
    if (accept_header == nullptr || trim(*accept_header).empty()) return true;
    bool accepted = false;
    for (const std::string_view part : split(*accept_header, ',')) {
        if (part.empty()) continue;
        const auto range = range_of(part);
        if (!range) return true;  // a header that makes no sense is no header
        const bool matches = (range->type == "application/json" && !range->has_parameters) ||
                             range->type == "application/*" || range->type == "*/*";
        accepted = accepted || (matches && range->quality > 0);
    }
    return accepted;
}

}  // namespace sallyport::api
