#pragma once

#include <string_view>

#include "keymanager/base/log.h"

namespace sallyport {

/// For a library inside somebody else's process, whose log is the place for our lines: from now on each goes to `sink`
/// instead, which is called on the thread that logs and must not log itself. Call once, before any line.
using LogSink = void (*)(LogLevel level, std::string_view line);
void send_log_to(LogSink sink);

}  // namespace sallyport
