#include "keymanager/core/access_policy.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "keymanager/base/assert.h"
#include "keymanager/core/default_policy.h"
#include "keymanager/core/policy_expression.h"
#include "keymanager/core/policy_file.h"

namespace sallyport::core {
namespace {

using Kind = PolicyExpression::Kind;

// What one question may cost at most, in checks, and how deep the walk may go. Barbican's own rules stay under a
// hundred checks and a dozen levels.
constexpr std::size_t CostLimit = 10'000;
constexpr std::size_t DepthLimit = 256;

/// An expression whose rule: checks point at the rule itself.
struct Node {
    Kind kind = Kind::Never;
    std::string left;
    PolicyTemplate right;
    std::vector<Node> children;
    std::size_t rule = 0;
};

/// The dearest walk through an expression.
struct Walk {
    std::size_t cost = 0;
    std::size_t depth = 0;
};

struct Rule {
    Node node;
    TokenScope scope = TokenScope::Unchecked;  ///< as enforced
    Walk walk;
    enum class State { Unseen, Open, Done } state = State::Unseen;
};

/// Lets a rule be looked up without making a string.
struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
};

bool equal_but_for_case(std::string_view a, std::string_view b) {
    // Not std::tolower, which asks for the locale at every character.
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

/// The rule's right side, filled in. Most are one attribute or one text and cost no allocation.
class Filled {
public:
    Filled(const PolicyTemplate& source, const Target& target) {
        if (source.parts.size() == 1) {
            known_ = look(source.parts.front(), target, view_);
            return;
        }
        for (const PolicyTemplate::Part& part : source.parts) {
            std::string_view text;
            if (!look(part, target, text)) return;
            joined_ += text;
        }
        view_ = joined_;
        known_ = true;
    }
    Filled(const Filled&) = delete;
    Filled& operator=(const Filled&) = delete;

    bool known() const { return known_; }
    std::string_view text() const { return view_; }

private:
    static bool look(const PolicyTemplate::Part& part, const Target& target, std::string_view& text) {
        if (!part.is_attribute) {
            text = part.text;
            return true;
        }
        const std::string_view* value = target.find(part.text);
        if (value == nullptr) return false;
        text = *value;
        return true;
    }

    std::string joined_;
    std::string_view view_;
    bool known_ = false;
};

bool caller_has(const Caller& caller, std::string_view attribute, std::string_view value) {
    if (attribute == "user_id") return caller.user.str() == value;
    if (attribute == "project_id") return caller.project.str() == value;
    if (attribute == "system_scope") return !caller.system_scope.empty() && caller.system_scope == value;
    if (attribute == "roles") return std::ranges::find(caller.roles, value) != caller.roles.end();
    return false;
}

/// enforce_scope. A token of a domain, or of nothing, belongs to no project and is let in nowhere.
bool scope_admits(TokenScope scope, const Caller& caller) {
    const bool system = !caller.system_scope.empty();
    const bool project = !system && !caller.project.empty();
    switch (scope) {
        case TokenScope::Unchecked: return true;
        case TokenScope::Project: return project;
        case TokenScope::System: return system;
        case TokenScope::Both: return project || system;
    }
    return false;
}

}  // namespace

void Target::set(std::string_view name, std::string_view value) {
    SALLYPORT_ASSERT(count_ < MostAttributes);  // the key manager describes an object with four
    attributes_[count_++] = {name, value};
}

const std::string_view* Target::find(std::string_view name) const {
    const auto end = attributes_.begin() + count_;
    const auto found = std::find_if(attributes_.begin(), end, [name](const auto& a) { return a.first == name; });
    return found == end ? nullptr : &found->second;
}

struct AccessPolicy::Impl {
    std::vector<PolicyRule> listed;
    std::vector<Rule> rules;
    std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> by_name;

    bool holds(const Node& node, const Caller& caller, const Target& target) const {
        switch (node.kind) {
            case Kind::Always: return true;
            case Kind::Never: return false;
            case Kind::Role: {
                const Filled role(node.right, target);
                return role.known() && std::ranges::any_of(caller.roles, [&role](const std::string& r) {
                           return equal_but_for_case(r, role.text());
                       });
            }
            case Kind::Rule: return holds(rules[node.rule].node, caller, target);
            case Kind::Attribute: {
                const Filled value(node.right, target);
                return value.known() && caller_has(caller, node.left, value.text());
            }
            case Kind::Literal: {
                const Filled value(node.right, target);
                return value.known() && value.text() == node.left;
            }
            case Kind::And:
                return std::ranges::all_of(node.children, [&](const Node& n) { return holds(n, caller, target); });
            case Kind::Or:
                return std::ranges::any_of(node.children, [&](const Node& n) { return holds(n, caller, target); });
            case Kind::Not: return !holds(node.children.front(), caller, target);
        }
        return false;
    }

    Result<Node> link(PolicyExpression&& expression, const std::string& owner) const {
        Node node{expression.kind, std::move(expression.left), std::move(expression.right), {}, 0};
        if (node.kind == Kind::Rule) {
            const auto found = by_name.find(node.left);
            if (found == by_name.end()) {
                return Error{
                    Code::InvalidInput, "policy rule '" + owner + "': there is no rule '" + node.left + "'", {}};
            }
            node.rule = found->second;
        }
        for (PolicyExpression& child : expression.children) node.children.push_back(TRY(link(std::move(child), owner)));
        return node;
    }

    /// Measures every walk once, which is also how a cycle shows.
    Result<Walk> measure(std::size_t index, std::size_t level) {
        Rule& rule = rules[index];
        if (rule.state == Rule::State::Done) return rule.walk;
        const std::string name = "policy rule '" + listed[index].name + "'";
        if (rule.state == Rule::State::Open) return Error{Code::InvalidInput, name + " refers to itself", {}};
        rule.state = Rule::State::Open;
        rule.walk = TRY(measure(rule.node, level));
        if (rule.walk.cost > CostLimit || rule.walk.depth > DepthLimit) {
            return Error{Code::InvalidInput, name + " is too complex", {}};
        }
        rule.state = Rule::State::Done;
        return rule.walk;
    }
    Result<Walk> measure(const Node& node, std::size_t level) {
        if (level > DepthLimit) return Error{Code::InvalidInput, "the policy's rules are nested too deeply", {}};
        Walk walk{1, 0};
        if (node.kind == Kind::Rule) {
            const Walk inner = TRY(measure(node.rule, level + 1));
            walk = {1 + inner.cost, inner.depth};
        }
        for (const Node& child : node.children) {
            const Walk inner = TRY(measure(child, level + 1));
            walk.cost += inner.cost;
            walk.depth = std::max(walk.depth, inner.depth);
        }
        ++walk.depth;
        return walk;
    }
};

namespace {

/// A list of lists in the words of the newer language.
std::string text_of(const PolicyText& rule) {
    if (!rule.is_list) return rule.text;
    if (rule.lists.empty()) return "@";
    std::string text;
    for (const std::vector<std::string>& all : rule.lists) {
        if (all.empty()) continue;
        text += text.empty() ? "(" : " or (";
        for (std::size_t i = 0; i < all.size(); ++i) text += (i == 0 ? "" : " and ") + all[i];
        text += ")";
    }
    return text.empty() ? "!" : text;
}

/// enforce_new_defaults is a setting of ours, not of the object: %(enforce_new_defaults)s becomes its value.
void fold_setting(PolicyExpression& expression, bool new_defaults) {
    for (PolicyTemplate::Part& part : expression.right.parts) {
        if (part.is_attribute && part.text == "enforce_new_defaults") part = {false, new_defaults ? "True" : "False"};
    }
    for (PolicyExpression& child : expression.children) fold_setting(child, new_defaults);
}

}  // namespace

AccessPolicy::AccessPolicy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AccessPolicy::~AccessPolicy() = default;
AccessPolicy::AccessPolicy(AccessPolicy&&) noexcept = default;
AccessPolicy& AccessPolicy::operator=(AccessPolicy&&) noexcept = default;

Result<AccessPolicy> AccessPolicy::load(std::string_view overrides_yaml, bool new_defaults) {
    std::map<std::string, PolicyText, std::less<>> texts;
    for (const auto& rules : {default_policy(), own_policy()}) {
        for (const DefaultRule& rule : rules) {
            texts[std::string(rule.name)] = PolicyText{std::string(rule.check_with(new_defaults)), {}, false};
        }
    }
    for (auto& [name, text] : TRY(read_policy_file(overrides_yaml))) texts[name] = std::move(text);

    auto impl = std::make_unique<Impl>();
    for (const auto& [name, text] : texts) {
        impl->by_name.emplace(name, impl->listed.size());
        impl->listed.push_back({name, text_of(text)});
    }
    for (const auto& [name, text] : texts) {
        Result<PolicyExpression> expression = parse_policy_expression(text);
        if (!expression) {
            return Error{Code::InvalidInput, "policy rule '" + name + "', " + expression.error().message, {}};
        }
        fold_setting(*expression, new_defaults);
        Rule& rule = impl->rules.emplace_back();
        rule.node = TRY(impl->link(std::move(*expression), name));
        if (const DefaultRule* known = find_default_rule(name); known != nullptr && new_defaults) {
            rule.scope = known->scope;
        }
    }
    for (std::size_t i = 0; i < impl->rules.size(); ++i) {
        if (const auto walk = impl->measure(i, 0); !walk) return walk.error();
    }
    return AccessPolicy(std::move(impl));
}

bool AccessPolicy::allows(std::string_view action, const Caller& caller, const Target& target) const {
    const auto found = impl_->by_name.find(action);
    if (found == impl_->by_name.end()) return false;
    const Rule& rule = impl_->rules[found->second];
    return scope_admits(rule.scope, caller) && impl_->holds(rule.node, caller, target);
}

const std::vector<PolicyRule>& AccessPolicy::rules() const { return impl_->listed; }

}  // namespace sallyport::core
