#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::core {

/// The object that a rule looks at, as oslo.policy's target dictionary: flat names as Barbican passes them, such as
/// "target.secret.project_id", "target.secret.creator_id", "target.secret.read" (the ACL's users),
/// "target.secret.read_project_access".
struct Target {
    std::vector<std::pair<std::string, std::string>> attributes;
    /// "target.secret.read" of an ACL holds several users.
    std::vector<std::pair<std::string, std::vector<std::string>>> lists;

    const std::string* find(std::string_view name) const;
    const std::vector<std::string>* find_list(std::string_view name) const;
};

struct PolicyRule {
    std::string name;   ///< "secret:decrypt"
    std::string check;  ///< in oslo.policy's language
    std::string description;
};

/// The rules of oslo.policy: role:, rule:, project_id:%(…)s and other attribute checks, literals, and / or / not,
/// parentheses, @ and !; the older list syntax too. Rules are parsed once; `allows` is a walk over a tree.
/// Immutable after loading, hence thread-safe.
class AccessPolicy {
public:
    ~AccessPolicy();
    AccessPolicy(AccessPolicy&&) noexcept;
    AccessPolicy& operator=(AccessPolicy&&) noexcept;

    /// Barbican's defaults (15.0.1), overridden by the entries of a policy.yaml, if given as text.
    /// Error: `InvalidInput` with rule, position and what was expected; for an unknown rule name; for a cycle.
    static Result<AccessPolicy> load(std::string_view overrides_yaml, bool new_defaults);

    /// May the caller do `action` ("secrets:post") to `target`? An unknown action is refused.
    bool allows(std::string_view action, const Caller& caller, const Target& target) const;

    const std::vector<PolicyRule>& rules() const;

private:
    struct Impl;
    explicit AccessPolicy(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::core
