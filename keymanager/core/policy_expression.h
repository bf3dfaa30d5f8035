#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::core {

/// The right side of a check: text with `%(attribute)s` in it, filled in from the target.
struct PolicyTemplate {
    struct Part {
        bool is_attribute;
        std::string text;  ///< the attribute's name, or the text itself
    };
    std::vector<Part> parts;
};

/// One rule of oslo.policy's language as a tree.
struct PolicyExpression {
    enum class Kind {
        Always,     ///< @
        Never,      ///< !
        Role,       ///< role:right, letters' case does not matter
        Rule,       ///< rule:left
        Attribute,  ///< left:right, where left names an attribute of the caller
        Literal,    ///< 'left':right
        And,
        Or,
        Not
    } kind = Kind::Never;
    std::string left;
    PolicyTemplate right;
    std::vector<PolicyExpression> children;
};

/// A rule as a policy file holds it: a text, or the older list of lists of checks ("any of these, all of those").
struct PolicyText {
    std::string text;
    std::vector<std::vector<std::string>> lists;
    bool is_list = false;
};

/// Error: `InvalidInput` with the position and what was expected. What oslo.policy accepts with a log line and then
/// always refuses, this refuses to load.
Result<PolicyExpression> parse_policy_expression(const PolicyText& rule);

}  // namespace sallyport::core
