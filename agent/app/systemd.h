#pragma once

namespace sallyport::app {

/// What systemd is told, if it asked to be ($NOTIFY_SOCKET): sd_notify(3). Otherwise nothing happens.
void tell_systemd_ready();
void tell_systemd_stopping();

}  // namespace sallyport::app
