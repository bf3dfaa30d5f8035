#include "agent/app/systemd.h"

#include <systemd/sd-daemon.h>

#include <string_view>

#include "keymanager/base/log.h"

namespace sallyport::app {
namespace {

void tell(const char* state) {
    // 0: nobody asked; above: told.
    if (sd_notify(0, state) < 0) log_warning("cannot tell systemd: {}", std::string_view(state));
}

}  // namespace

void tell_systemd_ready() { tell("READY=1"); }
void tell_systemd_reloading() { tell("RELOADING=1"); }
void tell_systemd_status(const std::string& line) { tell(("STATUS=" + line).c_str()); }
void tell_systemd_alive() { tell("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> watchdog_time() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}
void tell_systemd_stopping() { tell("STOPPING=1"); }

}  // namespace sallyport::app
