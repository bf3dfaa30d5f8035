#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::core {

/// The object that a rule looks at, as oslo.policy's target dictionary: flat names as Barbican passes them, such as
/// "target.secret.project_id", "target.secret.creator_id", "target.secret.read_project_access" ("True" or "False") and
/// "target.secret.read" ("read" if the ACL names the caller, else absent). A check of an absent attribute fails.
/// Views borrow: a target lives no longer than the object that it describes.
class Target {
public:
    static constexpr std::size_t MostAttributes = 8;

    /// At most MostAttributes of them: the caller knows what it describes.
    void set(std::string_view name, std::string_view value);
    /// nullptr if there is none.
    const std::string_view* find(std::string_view name) const;

private:
    // In place, since a question is asked for every request.
    std::array<std::pair<std::string_view, std::string_view>, MostAttributes> attributes_;
    std::size_t count_ = 0;
};

struct PolicyRule {
    std::string name;   ///< "secret:decrypt"
    std::string check;  ///< in oslo.policy's language
};

/// The rules of oslo.policy: role:, rule:, project_id:%(…)s and other attribute checks, literals, and / or / not,
/// parentheses, @ and !; the older list syntax too. Rules are parsed once; `allows` is a walk over a tree.
/// Immutable after loading, hence thread-safe.
class AccessPolicy {
public:
    ~AccessPolicy();
    AccessPolicy(AccessPolicy&&) noexcept;
    AccessPolicy& operator=(AccessPolicy&&) noexcept;

    /// Barbican's defaults (15.0.1; `new_defaults` is oslo.policy's enforce_new_defaults and enforce_scope together, as
    /// they are meant to be used), overridden by the entries of a policy.yaml, if given as text. Entries of other names
    /// are helpers for rule:. Error: `InvalidInput` with rule, position and what was expected; for a rule: that does
    /// not exist; for a cycle.
    static Result<AccessPolicy> load(std::string_view overrides_yaml, bool new_defaults);

    /// May the caller do `action` ("secrets:post") to `target`? An unknown action is refused.
    bool allows(std::string_view action, const Caller& caller, const Target& target) const;

    /// What is in force, by name.
    const std::vector<PolicyRule>& rules() const;

private:
    struct Impl;
    explicit AccessPolicy(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::core
