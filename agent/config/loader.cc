#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "agent/config/config.h"
#include "agent/config/schema.h"

namespace sallyport::config {
namespace {

/// The one place that meets yaml-cpp's exceptions.
std::optional<YAML::Node> parse(std::string_view yaml, Report& report) {
    try {
        return YAML::Load(std::string(yaml));
    } catch (const YAML::Exception& e) {
        report.problem_at_line(e.mark.is_null() ? 0 : e.mark.line + 1, fmt::format("this is no YAML: {}", e.msg));
        return std::nullopt;
    }
}

Checked check(std::string_view yaml, const std::string& name, bool look_at_files) {
    Checked checked;
    Report report(name, look_at_files);
    if (const std::optional<YAML::Node> root = parse(yaml, report)) {
        try {
            read_section(all_options(), &checked.config, *root, "", report);
        } catch (const YAML::Exception& e) {
            report.problem_at_line(e.mark.is_null() ? 0 : e.mark.line + 1, e.msg);
        }
    }
    checked.problems = std::move(report.problems);
    checked.warnings = std::move(report.warnings);
    return checked;
}

Checked check_path(const std::string& path, bool look_at_files) {
    errno = 0;
    std::ifstream file(path);
    std::stringstream text;
    if (file) text << file.rdbuf();
    if (!file) {
        Checked unreadable;
        unreadable.problems.push_back({path, 0, fmt::format("cannot be read: {}", std::strerror(errno))});
        return unreadable;
    }
    return check(text.view(), path, look_at_files);
}

Result<Config> config_of(Checked checked) {
    if (checked.problems.empty()) return std::move(checked.config);
    std::string message = checked.problems.front().text();
    if (checked.problems.size() > 1) {
        message += fmt::format(" (and {} more: sallyport check-config lists them)", checked.problems.size() - 1);
    }
    return Error{Code::InvalidInput, std::move(message), {}};
}

}  // namespace

Checked check_file(const std::string& path) { return check_path(path, true); }

Checked check_text(std::string_view yaml, const std::string& name) { return check(yaml, name, true); }

Result<Config> load(const std::string& path) {
    Checked checked = check_file(path);
    for (const Problem& warning : checked.warnings) log_warning("{}", warning.text());
    return config_of(std::move(checked));
}

Result<Config> load_without_files(const std::string& path) { return config_of(check_path(path, false)); }

}  // namespace sallyport::config
