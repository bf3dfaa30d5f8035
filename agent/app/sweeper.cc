#include "agent/app/sweeper.h"

#include <utility>

#include "keymanager/base/log.h"

namespace sallyport::app {

Sweeper::Sweeper(Piece piece, Times times)
    : piece_(std::move(piece)), times_(times), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Sweeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const Result<bool> more = piece_();
        // The next round tries again; meanwhile everything else goes on.
        if (!more) log_warning("sweep put off: {} ({})", more.error().message, more.error().detail);
        std::unique_lock lock(mutex_);
        // Nobody notifies but a stop.
        wakes_.wait_for(lock, stop, more && *more ? times_.breath : times_.rest, [] { return false; });
    }
}

}  // namespace sallyport::app
