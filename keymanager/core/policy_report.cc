#include "keymanager/core/policy_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "keymanager/core/default_policy.h"

namespace sallyport::core {
namespace {

/// What an action is about: the word between the dots of its target's attributes.
std::string_view kind_of(std::string_view action) {
    if (action.starts_with("container") || action.starts_with("consumer")) return "container";
    return action.starts_with("order") ? "order" : "secret";
}

/// The words of a rule: what white space and parentheses part, but for the parentheses of %(…)s.
std::vector<std::string_view> words_of(std::string_view check) {
    const auto breaks = [](char c) { return c == '(' || std::isspace(static_cast<unsigned char>(c)) != 0; };
    std::vector<std::string_view> words;
    std::size_t i = 0;
    while (i < check.size()) {
        while (i < check.size() && breaks(check[i])) ++i;
        std::size_t end = i;
        while (end < check.size() && std::isspace(static_cast<unsigned char>(check[end])) == 0) ++end;
        std::string_view word = check.substr(i, end - i);
        while (word.ends_with(')')) word.remove_suffix(1);
        if (!word.empty()) words.push_back(word);
        i = end;
    }
    return words;
}

/// What follows `kind` in any check of the rules: the roles for "role:".
std::set<std::string> named_in(const AccessPolicy& policy, std::string_view kind) {
    std::set<std::string> names;
    for (const PolicyRule& rule : policy.rules()) {
        for (std::string_view word : words_of(rule.check)) {
            if (!word.starts_with(kind)) continue;
            word.remove_prefix(kind.size());
            if (word.find("%(") == std::string_view::npos) names.emplace(word);
        }
    }
    return names;
}

/// A text between double quotes, as YAML 1.2 (section 7.3.1) and JSON read it.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        if (static_cast<unsigned char>(c) < 0x20) {
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            result += c;
        }
    }
    return result + '"';
}

std::string_view scopes_of(TokenScope scope) {
    switch (scope) {
        case TokenScope::Unchecked: return "";
        case TokenScope::Project: return "project";
        case TokenScope::System: return "system";
        case TokenScope::Both: return "project, system";
    }
    return "";
}

std::string operations_of(const DefaultRule& rule) {
    std::string text;
    std::string_view rest = rule.operations;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::size_t blank = line.find(' ');
        text += fmt::format("# {}  {}\n", line.substr(0, blank), line.substr(blank + 1));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    return text;
}

std::string sample_entry(const DefaultRule& rule, bool new_defaults) {
    std::string text;
    if (!rule.about.empty()) text += fmt::format("# {}\n", rule.about);
    text += operations_of(rule);
    if (const std::string_view scopes = scopes_of(rule.scope); !scopes.empty()) {
        text += fmt::format("# Intended scope(s): {}\n", scopes);
    }
    text += fmt::format("#{}: {}\n", quoted(rule.name), quoted(rule.check_with(new_defaults)));
    const std::string_view other = rule.check_with(!new_defaults);
    if (other != rule.check_with(new_defaults)) {
        text += fmt::format("# With new_rbac_defaults: {}\n# {}: {}\n", new_defaults ? "false" : "true",
                            quoted(rule.name), quoted(other));
    }
    text += '\n';
    return text;
}

}  // namespace

std::vector<std::string> with_implied_roles(std::vector<std::string> roles) {
    const auto add = [&roles](std::string_view given, std::string_view implied) {
        const bool has = std::ranges::find(roles, given) != roles.end();
        if (has && std::ranges::find(roles, implied) == roles.end()) roles.emplace_back(implied);
    };
    add("admin", "member");
    add("member", "reader");
    return roles;
}

bool answer(const AccessPolicy& policy, std::string_view action, const PolicyQuestion& question) {
    const Caller caller{UserId("caller"), ProjectId(question.system ? "" : "project"),
                        with_implied_roles(question.roles), question.system ? "all" : ""};
    const std::string_view kind = kind_of(action);
    const auto name = [kind](std::string_view attribute) { return fmt::format("target.{}.{}", kind, attribute); };
    const std::string project = name("project_id");
    const std::string creator = name("creator_id");
    const std::string access = name("read_project_access");
    const std::string read = name("read");
    Target target;
    target.set(project, question.foreign ? "another project" : "project");
    target.set(creator, question.own ? "caller" : "somebody else");
    // Orders have no access lists, and who may change a list is decided without looking at it.
    if (kind != "order" && action.find("_acls:") == action.npos) {
        target.set(access, question.is_private ? "False" : "True");
        if (question.listed) target.set(read, "read");
    }
    return policy.allows(action, caller, target);
}

std::string policy_effect(const AccessPolicy& policy, std::string_view action) {
    std::vector<std::string> allowed;
    const auto may = [&](const PolicyQuestion& question) { return answer(policy, action, question); };
    for (const std::string& role : named_in(policy, "role:")) {
        if (may({.roles = {role}})) {
            allowed.push_back(role);
        } else if (may({.roles = {role}, .own = true})) {
            allowed.push_back(role + " (own)");
        } else if (may({.roles = {role}, .system = true})) {
            allowed.push_back(role + " (system)");
        }
    }
    if (may({.is_private = true, .listed = true, .foreign = true})) allowed.emplace_back("access list");
    return allowed.empty() ? "nobody" : fmt::format("{}", fmt::join(allowed, ", "));
}

std::vector<std::string> idle_rules(const AccessPolicy& policy) {
    const std::set<std::string> used = named_in(policy, "rule:");
    std::vector<std::string> idle;
    for (const PolicyRule& rule : policy.rules()) {
        if (find_default_rule(rule.name) == nullptr && !used.contains(rule.name)) idle.push_back(rule.name);
    }
    return idle;
}

std::string policy_sample(bool new_defaults) {
    std::string text = fmt::format(
        "# Barbican's {} rules, then Sallyport's own. A rule that is given here replaces its default; the others keep "
        "theirs.\n"
        "# The agent reads the file that `policy_file` of agent.yaml names, when it starts.\n\n",
        new_defaults ? "new" : "older");
    for (const auto& rules : {default_policy(), own_policy()}) {
        for (const DefaultRule& rule : rules) text += sample_entry(rule, new_defaults);
    }
    return text;
}

std::string policy_file_of(const AccessPolicy& policy) {
    std::string text;
    for (const PolicyRule& rule : policy.rules()) {
        text += fmt::format("{}: {}\n", quoted(rule.name), quoted(rule.check));
    }
    return text;
}

}  // namespace sallyport::core
