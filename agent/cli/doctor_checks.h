#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"

namespace sallyport::cli {

enum class Health { Good, Warning, Bad };

/// What one look found, and the command that mends it.
struct Finding {
    std::string check;  ///< "kek file /etc/sallyport/kek"
    Health health = Health::Good;
    std::string found;
    std::string mend = {};  ///< empty if nothing has to be done
};
using Findings = std::vector<Finding>;

/// What the checks know: the configuration, and what the running agent says of itself (nothing if it does not run).
struct Patient {
    std::string config_file;
    const config::Config& config;
    std::optional<boost::json::object> agent;
};

/// Each looks at one part of the node; none changes anything, and none takes longer than a few seconds.
Findings check_configuration(const std::string& config_file);
Findings check_config_file(const Patient& patient);
Findings check_agent(const Patient& patient);
Findings check_keks(const Patient& patient);
Findings check_memory(const Patient& patient);
Findings check_core_dumps(const Patient& patient);
Findings check_clock();
Findings check_database(const Patient& patient);
Findings check_keystone(const Patient& patient);
Findings check_volumes(const Patient& patient);
Findings check_headers(const Patient& patient);
Findings check_hypervisor(const Patient& patient);
Findings check_audit(const Patient& patient);
Findings check_room(const Patient& patient);
Findings check_leftovers(const Patient& patient);

}  // namespace sallyport::cli
