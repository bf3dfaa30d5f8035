#pragma once

#include <span>
#include <string_view>

namespace sallyport::core {

/// Whose tokens a rule is meant for: oslo.policy's scope_types. Looked at with the new defaults only.
enum class TokenScope {
    Unchecked,  ///< a helper of other rules
    Project,    ///< tokens of a project
    System,     ///< tokens of the whole deployment
    Both        ///< of a project or of the deployment, not of a domain
};

/// One rule that Barbican registers, or one of ours in the same form.
struct DefaultRule {
    std::string_view name;
    std::string_view check;      ///< with enforce_new_defaults
    std::string_view old_check;  ///< without; empty: `check`
    TokenScope scope = TokenScope::Unchecked;
    std::string_view about = {};       ///< one sentence; empty: a helper of other rules
    std::string_view operations = {};  ///< "GET /v1/secrets", one a line; empty: no request asks it

    /// What holds if no policy file says otherwise.
    std::string_view check_with(bool new_defaults) const {
        return new_defaults || old_check.empty() ? check : old_check;
    }
};

std::span<const DefaultRule> default_policy();
/// The rules of actions that only we have.
std::span<const DefaultRule> own_policy();
/// Of either; nullptr if there is no such rule.
const DefaultRule* find_default_rule(std::string_view name);

}  // namespace sallyport::core
