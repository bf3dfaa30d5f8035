#include "keymanager/base/clock.h"

#include <fmt/format.h>

#include <cstdio>

namespace sallyport {
namespace {

class SystemClock final : public Clock {
    Timestamp now() const override {
        return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    }
};

struct Parts {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<std::chrono::microseconds> time;
};

Parts parts_of(Timestamp time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<std::chrono::microseconds>(time - day)};
}

std::string date_and_time(const Parts& p, char between) {
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", static_cast<int>(p.date.year()),
                       static_cast<unsigned>(p.date.month()), static_cast<unsigned>(p.date.day()), between,
                       p.time.hours().count(), p.time.minutes().count(), p.time.seconds().count());
}

/// Takes digits from the front of `text`; -1 if there are fewer.
int take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return -1;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

Error not_a_time(std::string_view text) {
    return {Code::InvalidInput, fmt::format("'{}' is not an ISO 8601 date and time", text.substr(0, 64)), {}};
}

}  // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

std::string to_iso8601(Timestamp time) {
    const Parts p = parts_of(time);
    std::string out = date_and_time(p, 'T');
    if (p.time.subseconds().count() != 0) out += fmt::format(".{:06}", p.time.subseconds().count());
    return out;
}

std::string to_sql_text(Timestamp time) {
    const Parts p = parts_of(time);
    return date_and_time(p, ' ') + fmt::format(".{:06}", p.time.subseconds().count());
}

Result<Timestamp> parse_iso8601(std::string_view whole) {
    std::string_view text = whole;
    const int year = take_digits(text, 4);
    if (!take(text, '-')) return not_a_time(whole);
    const int month = take_digits(text, 2);
    if (!take(text, '-')) return not_a_time(whole);
    const int day = take_digits(text, 2);
    if (year < 0 || month < 0 || day < 0) return not_a_time(whole);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return not_a_time(whole);
    Timestamp time = std::chrono::sys_days(date);
    if (text.empty()) return time;

    if (!take(text, 'T') && !take(text, ' ')) return not_a_time(whole);
    const int hour = take_digits(text, 2);
    if (!take(text, ':')) return not_a_time(whole);
    const int minute = take_digits(text, 2);
    int second = 0;
    if (take(text, ':')) second = take_digits(text, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return not_a_time(whole);
    time += std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);

    if (take(text, '.')) {
        long micros = 0;
        int digits = 0;
        for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
            if (digits++ < 6) micros = micros * 10 + (text.front() - '0');
        }
        if (digits == 0) return not_a_time(whole);
        for (; digits < 6; ++digits) micros *= 10;
        time += std::chrono::microseconds(micros);
    }
    if (text.empty() || text == "Z" || text == "z") return time;

    const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
    const int offset_hours = take_digits(text, 2);
    int offset_minutes = 0;
    if (!text.empty()) {
        take(text, ':');
        offset_minutes = take_digits(text, 2);
    }
    if (sign == 0 || offset_hours < 0 || offset_hours > 23 || offset_minutes < 0 || offset_minutes > 59 ||
        !text.empty()) {
        return not_a_time(whole);
    }
    return time - sign * (std::chrono::hours(offset_hours) + std::chrono::minutes(offset_minutes));
}

}  // namespace sallyport
