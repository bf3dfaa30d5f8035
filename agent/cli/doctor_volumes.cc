#include <boost/json.hpp>
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "agent/cli/doctor_checks.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string mend_of(std::string_view state, const std::string& device) {
    if (state == "damaged") return "sallyport volume header restore " + device;
    return "sallyport volume inspect " + device + " (was the change meant?); sallyport volume header backup " + device;
}

}  // namespace

Findings check_headers(const Patient& patient) {
    if (!patient.config.has_role(config::Role::Volumes) || !patient.agent) return {};
    if (!patient.config.volumes.escrow_headers) {
        return {{"volume headers", Health::Warning, "no copies of them are kept: without its header a volume is lost",
                 "volumes: {escrow_headers: true} in " + patient.config_file}};
    }
    const json::value* headers = patient.agent->if_contains("volume_headers");
    if (headers == nullptr || !headers->is_object()) return {};
    const json::object& scrub = headers->get_object();
    const std::string last = text_at(scrub, "last");
    if (last.empty()) {
        return {
            {"volume headers", Health::Warning, "not compared with their copies yet", "sallyport volume header check"}};
    }
    Findings findings;
    if (const json::value* drift = scrub.if_contains("drift"); drift != nullptr && drift->is_array()) {
        for (const json::value& one : drift->get_array()) {
            if (!one.is_object()) continue;
            const std::string state = text_at(one.get_object(), "state");
            const std::string device = text_at(one.get_object(), "device");
            findings.push_back({"header of " + device, state == "damaged" ? Health::Bad : Health::Warning,
                                text_at(one.get_object(), "found"), mend_of(state, device)});
        }
    }
    if (!findings.empty()) return findings;
    const json::value* checked = scrub.if_contains("checked");
    return {{"volume headers", Health::Good,
             fmt::format("{} are as their copies, at {}",
                         checked != nullptr && checked->is_int64() ? checked->get_int64() : 0, last)}};
}

}  // namespace sallyport::cli
