#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace sallyport::app {

/// What systemd is told, if it asked to be ($NOTIFY_SOCKET): sd_notify(3). Otherwise nothing happens.
void tell_systemd_ready();
void tell_systemd_reloading();
void tell_systemd_stopping();
/// The line that `systemctl status` shows.
void tell_systemd_status(const std::string& line);
/// The process is well: to be told more often than the watchdog's time.
void tell_systemd_alive();

/// After how much silence systemd restarts this process (WatchdogSec=); nothing if it does not watch.
std::optional<std::chrono::microseconds> watchdog_time();

}  // namespace sallyport::app
