#include <fmt/format.h>

#include <string>
#include <string_view>

#include "agent/config/config.h"
#include "agent/config/schema.h"

namespace sallyport::config {
namespace {

/// Words of `text` in lines of at most 120 columns, each after `prefix`.
std::string wrapped(const std::string& text, const std::string& prefix) {
    constexpr std::size_t columns = 120;
    std::string lines;
    std::string line = prefix;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (line.size() > prefix.size() && line.size() + 1 + word.size() > columns) {
            lines += line + "\n";
            line = prefix;
        }
        line += (line.size() > prefix.size() ? " " : "") + word;
        at = end + 1;
    }
    return lines + line + "\n";
}

/// Every option as YAML. What has no default is shown as a comment, with an example.
class FullYaml {
public:
    void write(const Section& section, const void* owner, const std::string& indent, bool is_comment) {
        bool is_first = true;
        for (const Option& option : section.options) {
            if (indent.empty() && !is_first) text_ += "\n";
            is_first = false;
            write_option(option, owner, indent, is_comment);
        }
    }

    std::string text_;

private:
    void line(const std::string& indent, const std::string& content, bool is_comment) {
        text_ += (is_comment ? "#" : "") + indent + content + "\n";
    }

    void write_option(const Option& option, const void* owner, const std::string& indent, bool is_comment) {
        const std::string what =
            option.shape == Option::Shape::Value
                ? fmt::format("{} ({}{})", option.text, option.words, option.is_required ? "; required" : "")
                : option.text;
        text_ += wrapped(what, (is_comment ? "#" : "") + indent + "# ");
        switch (option.shape) {
            case Option::Shape::Value: {
                const auto shown = option.show(owner);
                line(indent, fmt::format("{}: {}", option.name, shown ? *shown : option.example), is_comment || !shown);
                break;
            }
            case Option::Shape::Section:
                line(indent, option.name + ":", is_comment);
                write(*option.members, option.member(owner), indent + "  ", is_comment);
                break;
            case Option::Shape::OptionalSection:
                line(indent, option.name + ":", true);
                write(*option.members, option.members->defaults.get(), indent + "  ", true);
                break;
            case Option::Shape::List:
                line(indent, option.name + ":", true);
                line(indent, "  -", true);
                write(*option.members, option.members->defaults.get(), indent + "    ", true);
                break;
        }
    }
};

/// Every option as a table of Markdown, one table a section.
class Reference {
public:
    void write(const Section& section, const void* owner, const std::string& path) {
        if (!path.empty()) text_ += fmt::format("\n## {}\n\n{}\n", path, introduction_);
        text_ += "\n| Option | Value | Default | |\n|---|---|---|---|\n";
        for (const Option& option : section.options) write_row(option, owner, path);
        for (const Option& option : section.options) {
            if (option.shape == Option::Shape::Value) continue;
            introduction_ = option.text;
            const bool is_list = option.shape == Option::Shape::List;
            const void* const member =
                option.shape == Option::Shape::Section ? option.member(owner) : option.members->defaults.get();
            write(*option.members, member, (path.empty() ? "" : path + ".") + option.name + (is_list ? "[]" : ""));
        }
    }

    std::string text_;

private:
    void write_row(const Option& option, const void* owner, const std::string&) {
        std::string words = option.words;
        std::string standard;
        switch (option.shape) {
            case Option::Shape::Value: {
                const auto shown = option.show(owner);
                standard = option.is_required ? "required" : shown && *shown != "\"\"" ? "`" + *shown + "`" : "none";
                break;
            }
            case Option::Shape::Section: words = "a section, see below"; break;
            case Option::Shape::OptionalSection:
                words = "a section, see below";
                standard = "absent";
                break;
            case Option::Shape::List:
                words = "a list, see below";
                standard = "empty";
                break;
        }
        const std::string example = option.example.empty() ? "" : fmt::format(" Example: `{}`", option.example);
        text_ += fmt::format("| `{}` | {} | {} | {}{} |\n", option.name, words, standard, option.text, example);
    }

    std::string introduction_;
};

constexpr std::string_view YamlHead =
    "# Every option of the agent with its default; agent.yaml beside this file is what to start from.\n"
    "# Lines that begin with a hash and a name have no default, or may be absent: they show the shape.\n"
    "# Made by `sallyport generate-config`; a test compares.\n\n";

constexpr std::string_view MarkdownHead =
    "# Configuration\n\n"
    "The agent reads one YAML file, `/etc/sallyport/agent.yaml` unless `--config` says otherwise. Unknown options, "
    "values of\n"
    "the wrong type and files with loose modes are errors, with file and line: `sallyport check-config` lists them "
    "all.\n"
    "Secrets never stand in it: options that need one name a file (`kek_files`, `password_file`) that only its owner "
    "may read.\n"
    "Options that weaken security begin with `insecure_` and are warned about.\n\n"
    "[etc/agent.yaml](../etc/agent.yaml) is what to start from, [etc/agent_full.yaml](../etc/agent_full.yaml) has "
    "every option.\n"
    "This page is made from the table of options by `sallyport generate-config --reference`; a test compares.\n";

}  // namespace

std::string full_yaml() {
    const Section& options = all_options();
    FullYaml yaml;
    yaml.write(options, options.defaults.get(), "", false);
    return std::string(YamlHead) + yaml.text_;
}

std::string reference_markdown() {
    const Section& options = all_options();
    Reference reference;
    reference.write(options, options.defaults.get(), "");
    return std::string(MarkdownHead) + reference.text_;
}

}  // namespace sallyport::config
