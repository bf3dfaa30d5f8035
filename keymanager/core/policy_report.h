#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keymanager/core/access_policy.h"

/// What an operator wants to know about a policy, without a database and without a running agent.
namespace sallyport::core {

/// Somebody and something, as a person describes them. By default: an object of the caller's own project that another
/// user made and that all of the project may read.
struct PolicyQuestion {
    std::vector<std::string> roles = {};  ///< the token's; those that Keystone implies are added
    bool own = false;                     ///< the caller made the object
    bool is_private = false;              ///< its access list has project-access false
    bool listed = false;                  ///< its access list names the caller
    bool foreign = false;                 ///< it belongs to another project
    bool system = false;                  ///< the token is of the deployment ("system scope: all"), not of a project
};

/// The roles that a token with these has: Keystone's admin is a member, its member is a reader.
std::vector<std::string> with_implied_roles(std::vector<std::string> roles);

bool answer(const AccessPolicy& policy, std::string_view action, const PolicyQuestion& question);

/// Which of the roles that the rules name may do it, in one line: "admin, creator (own), reader (system), access list".
/// "(own)": to objects that they made; "access list": whoever an object's access list names. "nobody" if none may.
std::string policy_effect(const AccessPolicy& policy, std::string_view action);

/// Rules that are neither Barbican's nor used by another rule: misspelt, most likely.
std::vector<std::string> idle_rules(const AccessPolicy& policy);

/// The sample policy file as oslopolicy-sample-generator writes one: every default, commented out.
std::string policy_sample(bool new_defaults);
/// The rules in force as a policy file, as oslopolicy-policy-generator writes them.
std::string policy_file_of(const AccessPolicy& policy);

}  // namespace sallyport::core
