#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/value_types.h"

/// The table of options: what may stand where. Sections are built once, typed (SectionOf<S>), and used by the loader
/// and the reference type-erased (Section), with the struct that they describe behind a void pointer.
namespace sallyport::config {

/// Collects what is wrong with one file.
class Report {
public:
    Report(std::string file, bool look_at_files) : file_(std::move(file)), look_at_files_(look_at_files) {}

    void problem(const YAML::Node& at, const std::string& option, const std::string& message);
    void warning(const YAML::Node& at, const std::string& option, const std::string& message);
    void problem_at_line(int line, const std::string& message);
    bool look_at_files() const { return look_at_files_; }

    std::vector<Problem> problems;
    std::vector<Problem> warnings;

private:
    std::string file_;
    bool look_at_files_;
};

struct Section;

struct Option {
    enum class Shape {
        Value,            ///< one value (a list of scalars counts as one)
        Section,          ///< a mapping with options of its own, always there
        OptionalSection,  ///< the same, absent unless given
        List              ///< a list of such mappings
    };

    std::string name;
    std::string text;  ///< one or more sentences
    Shape shape = Shape::Value;
    bool is_required = false;
    std::string words;                       ///< Value: what is expected
    std::string example;                     ///< Value without a default: what to show in its place
    std::shared_ptr<const Section> members;  ///< all other shapes; owners: the table and who walks it

    /// Reads `node` into the owner's member.
    std::function<void(void* owner, const YAML::Node& node, const std::string& path, Report& report)> read;
    /// Value: the member as YAML; nullopt if it is absent or empty.
    std::function<std::optional<std::string>(const void* owner)> show;
    /// Section: the member; OptionalSection and List: null.
    std::function<const void*(const void* owner)> member;
};

struct Section {
    std::vector<Option> options;
    /// Rules between options, after all were read.
    std::function<void(const void* owner, const YAML::Node& node, const std::string& path, Report& report)> check;
    std::shared_ptr<const void> defaults;  ///< one with nothing but defaults
};

/// Reads the mapping `node` into `owner`: every key must be one of the section's, at most once.
void read_section(const Section& section, void* owner, const YAML::Node& node, const std::string& path, Report& report);
/// Reads a list of mappings, one `read_item` each.
void read_list(const YAML::Node& node, const std::string& path, Report& report,
               const std::function<void(const YAML::Node& item, const std::string& path)>& read_item);

template <class S>
class SectionOf {
public:
    SectionOf() { section_.defaults = std::make_shared<S>(); }

    /// An option with a default: that of the member.
    template <class T>
    SectionOf& option(const std::string& name, T S::*member, ValueType<T> type, const std::string& text,
                      const std::string& example = "") {
        Option& option = add(name, text);
        option.words = type.words;
        option.example = example;
        option.read = [member, type](void* owner, const YAML::Node& node, const std::string& path, Report& report) {
            Result<T> value = type.read(node, report.look_at_files());
            if (!value) return report.problem(node, path, value.error().message);
            static_cast<S*>(owner)->*member = *std::move(value);
        };
        option.show = [member, type, example](const void* owner) -> std::optional<std::string> {
            std::string shown = type.show(static_cast<const S*>(owner)->*member);
            // An empty default means "not given": an example says more.
            const bool is_empty = shown == "\"\"" || shown == "[]" || shown == "{}";
            if (is_empty && !example.empty()) return std::nullopt;
            return shown;
        };
        return *this;
    }

    template <class T>
    SectionOf& option(const std::string& name, std::optional<T> S::*member, ValueType<T> type, const std::string& text,
                      const std::string& example) {
        Option& option = add(name, text);
        option.words = type.words;
        option.example = example;
        option.read = [member, type](void* owner, const YAML::Node& node, const std::string& path, Report& report) {
            Result<T> value = type.read(node, report.look_at_files());
            if (!value) return report.problem(node, path, value.error().message);
            static_cast<S*>(owner)->*member = *std::move(value);
        };
        option.show = [](const void*) -> std::optional<std::string> { return std::nullopt; };
        return *this;
    }

    /// The option just declared must be given.
    SectionOf& required() {
        section_.options.back().is_required = true;
        return *this;
    }

    template <class M>
    SectionOf& section(const std::string& name, M S::*member, const SectionOf<M>& members, const std::string& text) {
        Option& option = add(name, text);
        option.shape = Option::Shape::Section;
        option.members = members.table();
        option.read = [member, table = option.members](void* owner, const YAML::Node& node, const std::string& path,
                                                       Report& report) {
            read_section(*table, &(static_cast<S*>(owner)->*member), node, path, report);
        };
        option.member = [member](const void* owner) -> const void* { return &(static_cast<const S*>(owner)->*member); };
        return *this;
    }

    template <class M>
    SectionOf& section(const std::string& name, std::optional<M> S::*member, const SectionOf<M>& members,
                       const std::string& text) {
        Option& option = add(name, text);
        option.shape = Option::Shape::OptionalSection;
        option.members = members.table();
        option.read = [member, table = option.members](void* owner, const YAML::Node& node, const std::string& path,
                                                       Report& report) {
            M value;
            read_section(*table, &value, node, path, report);
            static_cast<S*>(owner)->*member = std::move(value);
        };
        return *this;
    }

    template <class M>
    SectionOf& list(const std::string& name, std::vector<M> S::*member, const SectionOf<M>& members,
                    const std::string& text) {
        Option& option = add(name, text);
        option.shape = Option::Shape::List;
        option.members = members.table();
        option.read = [member, table = option.members](void* owner, const YAML::Node& node, const std::string& path,
                                                       Report& report) {
            read_list(node, path, report, [&](const YAML::Node& item, const std::string& item_path) {
                M value;
                read_section(*table, &value, item, item_path, report);
                (static_cast<S*>(owner)->*member).push_back(std::move(value));
            });
        };
        return *this;
    }

    /// `complain(key, message)` reports at that key's line (or the section's own, if the key is not there).
    using Complain = std::function<void(const std::string& key, const std::string& message)>;
    SectionOf& check(std::function<void(const S&, const Complain& problem, const Complain& warning)> rule);

    std::shared_ptr<const Section> table() const { return std::make_shared<const Section>(section_); }

private:
    Option& add(const std::string& name, const std::string& text) {
        Option& option = section_.options.emplace_back();
        option.name = name;
        option.text = text;
        return option;
    }

    Section section_;
};

/// Where in `node` the key stands; the node itself if it does not.
YAML::Node node_of_key(const YAML::Node& node, const std::string& key);
void report_key(const YAML::Node& node, const std::string& path, const std::string& key, const std::string& message,
                Report& report, bool is_warning);

template <class S>
SectionOf<S>& SectionOf<S>::check(std::function<void(const S&, const Complain&, const Complain&)> rule) {
    section_.check = [rule = std::move(rule)](const void* owner, const YAML::Node& node, const std::string& path,
                                              Report& report) {
        const auto complain_as = [&](bool is_warning) {
            return [&, is_warning](const std::string& key, const std::string& message) {
                report_key(node, path, key, message, report, is_warning);
            };
        };
        rule(*static_cast<const S*>(owner), complain_as(false), complain_as(true));
    };
    return *this;
}

/// Everything that may stand in the file.
const Section& all_options();

}  // namespace sallyport::config
