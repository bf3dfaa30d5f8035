#include "keymanager/core/policy_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace sallyport::core {
namespace {

Error invalid(const YAML::Mark& mark, const std::string& what) {
    return Error{Code::InvalidInput, "policy file, line " + std::to_string(mark.line + 1) + ": " + what, {}};
}

Result<PolicyText> rule_of(const YAML::Node& node) {
    PolicyText rule;
    if (node.IsNull()) return rule;  // an empty rule allows, as an empty text does
    if (node.IsScalar()) {
        rule.text = node.Scalar();
        return rule;
    }
    if (!node.IsSequence()) return invalid(node.Mark(), "expected a text or a list");
    rule.is_list = true;
    for (const YAML::Node& alternative : node) {
        std::vector<std::string> all;
        if (alternative.IsScalar()) {
            if (!alternative.Scalar().empty()) all.push_back(alternative.Scalar());
        } else if (alternative.IsSequence()) {
            for (const YAML::Node& check : alternative) {
                if (!check.IsScalar()) return invalid(check.Mark(), "expected a check, such as role:admin");
                all.push_back(check.Scalar());
            }
        } else {
            return invalid(alternative.Mark(), "expected a check or a list of checks");
        }
        rule.lists.push_back(std::move(all));
    }
    return rule;
}

Result<std::vector<std::pair<std::string, PolicyText>>> entries_of(const YAML::Node& root) {
    std::vector<std::pair<std::string, PolicyText>> entries;
    if (root.IsNull()) return entries;
    if (!root.IsMap()) return invalid(root.Mark(), "expected a map of rule names to rules");
    for (const auto& entry : root) {
        if (!entry.first.IsScalar()) return invalid(entry.first.Mark(), "expected the name of a rule");
        const std::string name = entry.first.Scalar();
        if (std::ranges::any_of(entries, [&name](const auto& e) { return e.first == name; })) {
            return invalid(entry.first.Mark(), "rule '" + name + "' is given twice");
        }
        entries.emplace_back(name, TRY(rule_of(entry.second)));
    }
    return entries;
}

}  // namespace

Result<std::vector<std::pair<std::string, PolicyText>>> read_policy_file(std::string_view yaml) {
    try {
        return entries_of(YAML::Load(std::string(yaml)));
    } catch (const YAML::Exception& e) {
        return invalid(e.mark, e.msg);
    }
}

}  // namespace sallyport::core
