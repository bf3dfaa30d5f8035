#pragma once

#include <fmt/format.h>

#include <string_view>

namespace sallyport {

enum class LogLevel { Debug, Info, Warning, Error };
enum class LogFormat { Text, Json };

/// Where the process logs to: standard error (the journal collects it). Call once, from main; before that, and in
/// tests, only warnings and errors are shown.
void open_log(LogLevel level, LogFormat format);

/// While it lives, the lines that its thread logs carry this request id (the first 128 bytes of it). Scopes nest.
/// Borrows the text. Not across a co_await: the coroutine may go on elsewhere.
class LogScope {
public:
    explicit LogScope(std::string_view request_id) noexcept;
    ~LogScope();
    LogScope(const LogScope&) = delete;
    LogScope& operator=(const LogScope&) = delete;

    /// That of this thread; empty if there is none.
    static std::string_view current() noexcept;

private:
    std::string_view outer_;
};

bool log_enabled(LogLevel level);
void write_log(LogLevel level, std::string_view text);

/// One line each. Never secret bytes: SecureBytes has no formatter, and text made of one has no business here.
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::Debug)) write_log(LogLevel::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::Info)) write_log(LogLevel::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::Warning)) write_log(LogLevel::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::Error)) write_log(LogLevel::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sallyport
