#include "keymanager/api/text.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <limits>

namespace sallyport::api {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const int lower = std::tolower(static_cast<unsigned char>(c));
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Takes a time apart from left to right, as the grammar of the iso8601 package does.
class IsoReader {
public:
    explicit IsoReader(std::string_view text) : text_(text) {}

    Result<Timestamp> read() {
        if (!number(4, 4, year_) || !date()) return invalid();
        if (!done() && !time_of_day()) return invalid();
        if (!done()) return invalid();
        return value();
    }

private:
    static Error invalid() { return Error{Code::InvalidInput, "not a time in ISO 8601", {}}; }
    bool done() const { return at_ == text_.size(); }
    bool take(std::string_view any_of) {
        if (done() || any_of.find(text_[at_]) == any_of.npos) return false;
        ++at_;
        return true;
    }
    bool number(std::size_t least, std::size_t most, int& out) {
        std::size_t end = at_;
        int value = 0;
        while (end < text_.size() && end - at_ < most && is_digit(text_[end]))
            value = value * 10 + (text_[end++] - '0');
        if (end - at_ < least) return false;
        at_ = end;
        out = value;
        return true;
    }

    bool date() {
        if (done()) return true;
        if (take("-")) {
            if (!number(1, 2, month_)) return false;
        } else if (!number(2, 2, month_) || done()) {
            return false;  // "209901" is no month: it might be meant as a year and two digits
        }
        if (done()) return true;
        return take("-") ? number(1, 2, day_) : number(2, 2, day_);
    }

    bool time_of_day() {
        if (!take(" T") || !number(2, 2, hour_)) return false;
        if (after_colon(2, minute_) && after_colon(1, second_) && take(".,") && !fraction()) return false;
        return done() || zone();
    }

    /// A number of up to two digits, with a colon before it or not; takes nothing if there is none.
    bool after_colon(std::size_t least, int& out) {
        const std::size_t before = at_;
        take(":");
        if (number(least, 2, out)) return true;
        at_ = before;
        return false;
    }

    bool fraction() {
        int scale = 100'000;
        std::size_t digits = 0;
        for (; !done() && is_digit(text_[at_]); ++at_, ++digits) {
            microseconds_ += scale * (text_[at_] - '0');
            scale /= 10;
        }
        return digits > 0;
    }

    bool zone() {
        if (take("Z")) return true;
        const bool behind = text_[at_] == '-';
        int hours = 0;
        int minutes = 0;
        if (!take("+-") || !number(2, 2, hours)) return false;
        after_colon(2, minutes);
        if (hours > 23 || minutes > 59) return false;
        offset_minutes_ = (hours * 60 + minutes) * (behind ? -1 : 1);
        return true;
    }

    Result<Timestamp> value() const {
        namespace chr = std::chrono;
        const chr::year_month_day day{chr::year(year_), chr::month(static_cast<unsigned>(month_)),
                                      chr::day(static_cast<unsigned>(day_))};
        if (!day.ok() || hour_ > 23 || minute_ > 59 || second_ > 59) return invalid();
        const Timestamp time = chr::sys_days(day) + chr::hours(hour_) + chr::minutes(minute_ - offset_minutes_) +
                               chr::seconds(second_) + chr::microseconds(microseconds_);
        const chr::year_month_day result(chr::floor<chr::days>(time));
        if (result.year() < chr::year(1) || result.year() > chr::year(9999)) return invalid();
        return time;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0, microseconds_ = 0, offset_minutes_ = 0;
};

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    parts.reserve(static_cast<std::size_t>(std::ranges::count(text, separator)) + 1);
    for (std::size_t start = 0;;) {
        const std::size_t end = text.find(separator, start);
        parts.push_back(text.substr(start, end == text.npos ? text.npos : end - start));
        if (end == text.npos) return parts;
        start = end + 1;
    }
}

std::string percent_decoded(std::string_view text, bool plus_is_space) {
    if (text.find_first_of(plus_is_space ? "%+" : "%") == text.npos) return std::string(text);
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            result += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            result += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return result;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view Hex = "0123456789ABCDEF";
    // RFC 3986, section 3.4, without what a query gives a meaning to.
    constexpr std::string_view Kept = "-._~:,*";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x80 && std::isalnum(byte) != 0) || Kept.find(c) != Kept.npos) {
            encoded += c;
        } else {
            encoded += {'%', Hex[byte >> 4], Hex[byte & 0xF]};
        }
    }
    return encoded;
}

std::optional<long> python_int(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n\r\f\v");
    if (first == text.npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(" \t\n\r\f\v") - first + 1);
    const bool negative = text.front() == '-';
    if (negative || text.front() == '+') text.remove_prefix(1);
    if (text.empty() || !is_digit(text.front()) || !is_digit(text.back()) || text.find("__") != text.npos) {
        return std::nullopt;
    }
    constexpr long Most = std::numeric_limits<long>::max();
    long value = 0;
    for (const char c : text) {
        if (c == '_') continue;
        if (!is_digit(c)) return std::nullopt;
        value = value > (Most - 9) / 10 ? Most : value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

Result<Timestamp> parse_loose_iso8601(std::string_view text) { return IsoReader(text).read(); }

bool equal_but_for_case(std::string_view a, std::string_view b) {
    // Not std::tolower, which asks for the locale at every character.
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace sallyport::api
