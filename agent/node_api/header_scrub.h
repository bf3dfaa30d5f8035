#pragma once

#include <boost/json/object.hpp>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/header_care.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/core/volumes.h"

namespace sallyport::node_api {

/// Compares the headers of the volumes that were seen on this machine with the newest copies of them that the key
/// manager keeps; only reads. Volumes that are not attached now, and those in the middle of a change, are passed over.
/// Thread-safe.
class HeaderScrub {
public:
    /// Both must outlive this.
    HeaderScrub(const core::Volumes& volumes, std::string host, const Clock& clock)
        : volumes_(volumes), host_(std::move(host)), clock_(clock) {}

    struct Drift {
        model::VolumeUuid uuid;
        std::string device;
        volume::HeaderHealth health = volume::HeaderHealth::Same;
        std::string found;
    };
    struct State {
        std::optional<Timestamp> last;  ///< when it ended; nothing if it has not run yet
        long checked = 0;
        std::vector<Drift> drift;
    };

    /// Blocks for a read of some hundred KiB a volume. Error: the database's.
    Result<State> run();
    State state() const;

private:
    const core::Volumes& volumes_;
    const std::string host_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    State state_;
};

/// {"last": …, "checked": 3, "drift": [{"uuid": …, "device": …, "state": "changed", "found": …}]}
boost::json::object to_json(const HeaderScrub::State& state);

}  // namespace sallyport::node_api
