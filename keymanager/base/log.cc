#include "keymanager/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "keymanager/base/log_sink.h"
#include "keymanager/base/log_switch.h"

namespace sallyport {
namespace {

constexpr std::size_t LongestRequestId = 128;
constinit thread_local std::string_view current_request;

struct LogState {
    std::shared_ptr<spdlog::logger> logger =
        std::make_shared<spdlog::logger>("sallyport", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    LogFormat format = LogFormat::Text;
    LogSink sink = nullptr;

    LogState() {
        logger->set_level(spdlog::level::warn);
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    }
};

LogState& state() {
    static LogState log;
    return log;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return spdlog::level::debug;
        case LogLevel::Info: return spdlog::level::info;
        case LogLevel::Warning: return spdlog::level::warn;
        case LogLevel::Error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// `text` as the inside of a JSON string; control characters cannot forge a second line either way.
std::string escaped(std::string_view text, LogFormat format) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\u{:04x}", byte);
        } else if (format == LogFormat::Json && (c == '"' || c == '\\')) {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void open_log(LogLevel level, LogFormat format) {
    LogState& log = state();
    log.format = format;
    log.logger->set_level(level_of(level));
    if (format == LogFormat::Json) {
        log.logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
    }
}

void send_log_to(LogSink sink) { state().sink = sink; }

LogScope::LogScope(std::string_view request_id) noexcept : outer_(std::exchange(current_request, request_id)) {}
LogScope::~LogScope() { current_request = outer_; }
std::string_view LogScope::current() noexcept { return current_request; }
void switch_log_request(std::string_view request_id) noexcept { current_request = request_id; }

bool log_enabled(LogLevel level) { return state().logger->should_log(level_of(level)); }

void write_log(LogLevel level, std::string_view text) {
    LogState& log = state();
    std::string line = escaped(text, log.format);
    const std::string request = escaped(current_request.substr(0, LongestRequestId), log.format);
    if (log.format == LogFormat::Json) {
        line = "\"message\":\"" + line + "\"";
        if (!request.empty()) line += ",\"request_id\":\"" + request + "\"";
    } else if (!request.empty() && line.find(request) == std::string::npos) {
        line += " [" + request + "]";
    }
    if (log.sink != nullptr) return log.sink(level, line);
    log.logger->log(level_of(level), "{}", line);
}

}  // namespace sallyport
