#include "agent/config/schema.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace sallyport::config {
namespace {

int line_of(const YAML::Node& node) { return node.Mark().is_null() ? 0 : node.Mark().line + 1; }

std::string joined(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

/// Levenshtein's distance, to guess what a mistyped key was meant to be.
std::size_t edits_between(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

std::string expectation(const Option& option) {
    switch (option.shape) {
        case Option::Shape::Value: return option.words;
        case Option::Shape::Section:
        case Option::Shape::OptionalSection: return "a mapping of options";
        case Option::Shape::List: return "a list of mappings";
    }
    return {};
}

std::string unknown_key_message(const Section& section, const std::string& key) {
    std::vector<std::string> names;
    for (const Option& option : section.options) names.push_back(option.name);
    const auto nearest = std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
        return edits_between(key, a) < edits_between(key, b);
    });
    if (nearest != names.end() && edits_between(key, *nearest) <= 2) {
        return fmt::format("unknown option; did you mean {}?", *nearest);
    }
    return fmt::format("unknown option; expected one of {}", fmt::join(names, ", "));
}

void check_required(const Section& section, const std::set<std::string>& given, const YAML::Node& node,
                    const std::string& path, Report& report) {
    for (const Option& option : section.options) {
        if (option.is_required && !given.contains(option.name)) {
            report.problem(node, joined(path, option.name), fmt::format("is missing; expected {}", option.words));
        }
    }
}

}  // namespace

void Report::problem(const YAML::Node& at, const std::string& option, const std::string& message) {
    problems.push_back({file_, line_of(at), option.empty() ? message : option + ": " + message});
}

void Report::warning(const YAML::Node& at, const std::string& option, const std::string& message) {
    warnings.push_back({file_, line_of(at), option.empty() ? message : option + ": " + message});
}

void Report::problem_at_line(int line, const std::string& message) { problems.push_back({file_, line, message}); }

void read_section(const Section& section, void* owner, const YAML::Node& node, const std::string& path,
                  Report& report) {
    if (!node.IsMap()) {
        return report.problem(node, path, mismatch("a mapping of options", node).message);
    }
    const std::size_t problems_before = report.problems.size();
    std::set<std::string> given;
    for (const auto& pair : node) {
        const std::string* const key = detail::scalar_of(pair.first);
        if (key == nullptr) {
            report.problem(pair.first, path, mismatch("the name of an option", pair.first).message);
            continue;
        }
        const std::string option_path = joined(path, *key);
        if (!given.insert(*key).second) {
            report.problem(pair.first, option_path, "stands twice");
            continue;
        }
        const auto option = std::find_if(section.options.begin(), section.options.end(),
                                         [&](const Option& candidate) { return candidate.name == *key; });
        if (option == section.options.end()) {
            report.problem(pair.first, option_path, unknown_key_message(section, *key));
            continue;
        }
        if (pair.second.IsNull()) {  // it has no place of its own in the file
            report.problem(pair.first, option_path, mismatch(expectation(*option), pair.second).message);
            continue;
        }
        option->read(owner, pair.second, option_path, report);
        const bool weakens = key->starts_with("insecure_") && pair.second.IsScalar() && pair.second.Scalar() == "true";
        if (weakens) report.warning(pair.first, option_path, "weakens security: " + option->text);
    }
    check_required(section, given, node, path, report);
    // Rules between options make sense only of options that were read.
    if (section.check && report.problems.size() == problems_before) section.check(owner, node, path, report);
}

void read_list(const YAML::Node& node, const std::string& path, Report& report,
               const std::function<void(const YAML::Node& item, const std::string& path)>& read_item) {
    if (!node.IsSequence()) return report.problem(node, path, mismatch("a list of mappings", node).message);
    std::size_t index = 0;
    for (const YAML::Node& item : node) read_item(item, fmt::format("{}[{}]", path, index++));
}

YAML::Node node_of_key(const YAML::Node& node, const std::string& key) {
    for (const auto& pair : node) {
        if (pair.first.IsScalar() && pair.first.Scalar() == key) return pair.first;
    }
    return node;
}

void report_key(const YAML::Node& node, const std::string& path, const std::string& key, const std::string& message,
                Report& report, bool is_warning) {
    const std::string option = key.empty() ? path : joined(path, key);
    const YAML::Node at = key.empty() ? node : node_of_key(node, key);
    is_warning ? report.warning(at, option, message) : report.problem(at, option, message);
}

}  // namespace sallyport::config
