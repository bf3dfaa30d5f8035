#pragma once

#include <string>
#include <string_view>

#include "keymanager/base/result.h"
#include "keymanager/core/access_policy.h"

namespace sallyport::app {

/// The rules in force: Barbican's defaults, new or old, and over them those of `policy_file` (a path; empty: none).
/// Error: `InvalidInput` with the file's name, and the line or the rule.
Result<core::AccessPolicy> load_policy(const std::string& policy_file, bool new_defaults);

/// What to tell an operator of a rule that has no effect (see core::idle_rules).
std::string idle_rule_text(std::string_view name);

}  // namespace sallyport::app
