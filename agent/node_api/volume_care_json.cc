#include "agent/node_api/volume_care_json.h"

#include <boost/json.hpp>

#include "keymanager/base/clock.h"

namespace sallyport::node_api {

namespace json = boost::json;

json::object to_json(const model::HeaderVersion& version) {
    return {{"uuid", version.uuid.str()}, {"version", version.version},
            {"reason", version.reason},   {"created", to_iso8601(version.created)},
            {"device", version.device},   {"host", version.host},
            {"size", version.size},       {"digest", version.digest}};
}

json::object to_json(const volume::RotateReport& report) {
    json::array steps;
    for (const volume::RotationStep step : report.done) steps.emplace_back(volume::text_of(step));
    return {{"uuid", report.uuid},
            {"key_slots", json::array(report.key_slots.begin(), report.key_slots.end())},
            {"steps", std::move(steps)}};
}

json::object to_json(const volume::ReencryptReport& report) {
    return {{"uuid", report.uuid},
            {"finished", report.finished},
            {"done", report.done},
            {"total", report.total},
            {"continued", report.continued},
            {"mapping", report.mapping ? json::value(report.mapping->str()) : json::value(nullptr)}};
}

}  // namespace sallyport::node_api
