#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport {

/// UTC, to the microsecond, as Barbican's columns hold it.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// Where the time of day comes from. Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
};

/// The machine's clock.
const Clock& system_clock();

/// "2026-11-22T06:05:42" and, if it is not zero, the fraction ".123456": naive UTC, as Barbican answers.
std::string to_iso8601(Timestamp time);
/// The same with a blank for the T and always six digits of fraction: how SQLAlchemy writes to SQLite.
std::string to_sql_text(Timestamp time);

/// Reads ISO 8601: a date, optionally T or a blank and a time (to the minute at least), a fraction, and Z or an offset,
/// which is applied. Without an offset it is UTC. Error: `InvalidInput`.
Result<Timestamp> parse_iso8601(std::string_view text);

}  // namespace sallyport
