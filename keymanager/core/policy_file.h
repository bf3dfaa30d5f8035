#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/core/policy_expression.h"

namespace sallyport::core {

/// The entries of a policy.yaml (or policy.json, which is the same language), in the order of the file.
/// Error: `InvalidInput` with the line: for anything but a map of texts and lists, for a name given twice.
Result<std::vector<std::pair<std::string, PolicyText>>> read_policy_file(std::string_view yaml);

}  // namespace sallyport::core
