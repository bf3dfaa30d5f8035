#include "agent/app/policy.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace sallyport::app {

Result<core::AccessPolicy> load_policy(const std::string& policy_file, bool new_defaults) {
    if (policy_file.empty()) return core::AccessPolicy::load({}, new_defaults);
    std::ifstream file(policy_file);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return Error{Code::InvalidInput, fmt::format("{}: cannot read this policy file", policy_file), {}};
    Result<core::AccessPolicy> policy = core::AccessPolicy::load(text.str(), new_defaults);
    if (!policy) {
        return Error{policy.error().code, fmt::format("{}: {}", policy_file, policy.error().message),
                     policy.error().detail};
    }
    return policy;
}

std::string idle_rule_text(std::string_view name) {
    return fmt::format("rule '{}' has no effect: it is none of Barbican's and no other rule uses it", name);
}

}  // namespace sallyport::app
