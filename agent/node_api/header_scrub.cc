#include "agent/node_api/header_scrub.h"

#include <boost/json.hpp>

#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/base/metrics.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

Gauge checked_headers({"sallyport_volume_headers", "Volume headers that the last scrub compared with their copies."});
Gauge drifted_headers({"sallyport_volume_headers_drifted",
                       "Volume headers that are damaged, have no copy or differ from it, at the last scrub."});
Gauge last_scrub({"sallyport_volume_header_scrub_timestamp_seconds", "When the last scrub of volume headers ended."});

bool is_drift(volume::HeaderHealth health) {
    switch (health) {
        case volume::HeaderHealth::Same:
        case volume::HeaderHealth::Absent: return false;
        case volume::HeaderHealth::Changed:
        case volume::HeaderHealth::NoCopy:
        case volume::HeaderHealth::Damaged: return true;
    }
    return false;
}

}  // namespace

Result<HeaderScrub::State> HeaderScrub::run() {
    State found;
    const auto known = TRY(volumes_.known_on(host_));
    for (const model::VolumeRecord& record : known) {
        if (record.device.empty() || record.change != model::VolumeChange::None) continue;
        const auto newest = TRY(volumes_.newest_header(record.uuid));
        volume::HeaderCheck check = volume::check_header(record, newest);
        if (check.health == volume::HeaderHealth::Absent) continue;
        ++found.checked;
        if (!is_drift(check.health)) continue;
        log_warning("header of volume {}: {}", record.uuid.str(), check.found);
        found.drift.push_back({record.uuid, record.device, check.health, std::move(check.found)});
    }
    found.last = clock_.now();
    checked_headers.set(found.checked);
    drifted_headers.set(static_cast<std::int64_t>(found.drift.size()));
    last_scrub.set(std::chrono::duration_cast<std::chrono::seconds>(found.last->time_since_epoch()).count());
    const std::lock_guard lock(mutex_);
    state_ = found;
    return found;
}

HeaderScrub::State HeaderScrub::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

json::object to_json(const HeaderScrub::State& state) {
    json::array drift;
    for (const HeaderScrub::Drift& one : state.drift) {
        drift.push_back({{"uuid", one.uuid.str()},
                         {"device", one.device},
                         {"state", volume::text_of(one.health)},
                         {"found", one.found}});
    }
    return {{"last", state.last ? json::value(to_iso8601(*state.last)) : json::value(nullptr)},
            {"checked", state.checked},
            {"drift", std::move(drift)}};
}

}  // namespace sallyport::node_api
