#include "keymanager/core/policy_expression.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace sallyport::core {
namespace {

using Kind = PolicyExpression::Kind;

// Deep enough for any policy that a person reads, shallow enough for the stack.
constexpr int DeepestNesting = 64;

Error invalid(std::size_t position, const std::string& expected) {
    return Error{Code::InvalidInput, "character " + std::to_string(position + 1) + ": " + expected, {}};
}

bool is_word_of(std::string_view word, std::string_view lower) {
    return std::ranges::equal(word, lower, {}, [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
}

Result<PolicyTemplate> parse_template(std::string_view text, std::size_t position) {
    PolicyTemplate result;
    std::string literal;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '%') {
            literal += text[i++];
            continue;
        }
        if (text.substr(i, 2) == "%%") {
            literal += '%';
            i += 2;
            continue;
        }
        const std::size_t close = text.find(')', i);
        if (text.substr(i, 2) != "%(" || close == std::string_view::npos || text.substr(close + 1, 1) != "s") {
            return invalid(position + i, "expected %(name)s or %%");
        }
        if (!literal.empty()) result.parts.push_back({false, std::exchange(literal, {})});
        result.parts.push_back({true, std::string(text.substr(i + 2, close - i - 2))});
        i = close + 2;
    }
    if (!literal.empty() || result.parts.empty()) result.parts.push_back({false, literal});
    return result;
}

/// The text of a Python literal as str() shows it; nothing if `kind` is no literal.
Result<std::optional<std::string>> literal_of(std::string_view kind, std::size_t position) {
    using Found = std::optional<std::string>;
    if (kind == "True" || kind == "False" || kind == "None") return Found(kind);
    const char first = kind.front();
    if (first == '\'' || first == '"') {
        const std::string_view inner = kind.substr(1, kind.size() < 2 ? 0 : kind.size() - 2);
        if (kind.size() < 2 || kind.back() != first || inner.find_first_of(std::string{first, '\\'}) != inner.npos) {
            return invalid(position, "expected a quoted word without escapes");
        }
        return Found(inner);
    }
    const bool number = std::ranges::all_of(kind, [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number) {
        if (kind.size() > 1 && first == '0') return invalid(position, "expected a number without leading zeros");
        return Found(kind);
    }
    const bool name = (std::isalpha(static_cast<unsigned char>(first)) != 0 || first == '_') &&
                      std::ranges::all_of(kind, [](unsigned char c) {
                          return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
                      });
    if (!name) return invalid(position, "expected the name of an attribute, or a literal, before ':'");
    return Found();
}

Result<PolicyExpression> parse_check(std::string_view text, std::size_t position) {
    if (text == "@") return PolicyExpression{Kind::Always, {}, {}, {}};
    if (text == "!") return PolicyExpression{Kind::Never, {}, {}, {}};
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return invalid(position, "expected a check, such as role:admin");
    const std::string_view kind = text.substr(0, colon);
    const std::string_view match = text.substr(colon + 1);
    if (kind == "rule") return PolicyExpression{Kind::Rule, std::string(match), {}, {}};
    PolicyTemplate right = TRY(parse_template(match, position + colon + 1));
    if (kind == "role") return PolicyExpression{Kind::Role, {}, std::move(right), {}};
    if (kind == "http" || kind == "https") return invalid(position, "expected a check that needs no remote server");
    std::optional<std::string> literal = TRY(literal_of(kind, position));
    if (literal) return PolicyExpression{Kind::Literal, std::move(*literal), std::move(right), {}};
    return PolicyExpression{Kind::Attribute, std::string(kind), std::move(right), {}};
}

enum class TokenKind { Open, Close, And, Or, Not, Check, End };
struct Token {
    TokenKind kind;
    std::size_t position;
    std::string_view text;
};

/// Words are parted by white space; parentheses are those at the ends of a word, so that those of %(…)s stay inside.
std::vector<Token> tokens_of(std::string_view text) {
    std::vector<Token> tokens;
    std::size_t i = 0;
    const auto space = [text](std::size_t at) { return std::isspace(static_cast<unsigned char>(text[at])) != 0; };
    while (true) {
        while (i < text.size() && space(i)) ++i;
        if (i == text.size()) break;
        std::size_t end = i;
        while (end < text.size() && !space(end)) ++end;
        for (; i < end && text[i] == '('; ++i) tokens.push_back({TokenKind::Open, i, text.substr(i, 1)});
        std::size_t stop = end;
        while (stop > i && text[stop - 1] == ')') --stop;
        const std::string_view word = text.substr(i, stop - i);
        if (is_word_of(word, "and")) {
            tokens.push_back({TokenKind::And, i, word});
        } else if (is_word_of(word, "or")) {
            tokens.push_back({TokenKind::Or, i, word});
        } else if (is_word_of(word, "not")) {
            tokens.push_back({TokenKind::Not, i, word});
        } else if (!word.empty()) {
            tokens.push_back({TokenKind::Check, i, word});
        }
        for (std::size_t p = stop; p < end; ++p) tokens.push_back({TokenKind::Close, p, text.substr(p, 1)});
        i = end;
    }
    tokens.push_back({TokenKind::End, text.size(), {}});
    return tokens;
}

/// or < and < not < parentheses, each but `not` for any number of operands.
class Parser {
public:
    explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

    Result<PolicyExpression> parse() {
        PolicyExpression whole = TRY(any_of(0));
        if (next().kind != TokenKind::End) return invalid(next().position, "expected `and`, `or` or the end");
        return whole;
    }

private:
    const Token& next() const { return tokens_[at_]; }

    Result<PolicyExpression> any_of(int depth) {
        PolicyExpression first = TRY(all_of(depth));
        if (next().kind != TokenKind::Or) return first;
        PolicyExpression any{Kind::Or, {}, {}, {}};
        any.children.push_back(std::move(first));
        while (next().kind == TokenKind::Or) {
            ++at_;
            any.children.push_back(TRY(all_of(depth)));
        }
        return any;
    }

    Result<PolicyExpression> all_of(int depth) {
        PolicyExpression first = TRY(operand(depth));
        if (next().kind != TokenKind::And) return first;
        PolicyExpression all{Kind::And, {}, {}, {}};
        all.children.push_back(std::move(first));
        while (next().kind == TokenKind::And) {
            ++at_;
            all.children.push_back(TRY(operand(depth)));
        }
        return all;
    }

    Result<PolicyExpression> operand(int depth) {
        const Token token = next();
        if (depth == DeepestNesting) return invalid(token.position, "expected less nesting");
        switch (token.kind) {
            case TokenKind::Not: {
                ++at_;
                PolicyExpression negated{Kind::Not, {}, {}, {}};
                negated.children.push_back(TRY(operand(depth + 1)));
                return negated;
            }
            case TokenKind::Open: {
                ++at_;
                PolicyExpression inner = TRY(any_of(depth + 1));
                if (next().kind != TokenKind::Close) return invalid(next().position, "expected ')'");
                ++at_;
                return inner;
            }
            case TokenKind::Check: ++at_; return parse_check(token.text, token.position);
            case TokenKind::Close:
            case TokenKind::And:
            case TokenKind::Or:
            case TokenKind::End: break;
        }
        return invalid(token.position, "expected a check, `not` or '('");
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

Result<PolicyExpression> parse_lists(const std::vector<std::vector<std::string>>& lists) {
    if (lists.empty()) return PolicyExpression{Kind::Always, {}, {}, {}};
    PolicyExpression any{Kind::Or, {}, {}, {}};
    for (const std::vector<std::string>& list : lists) {
        if (list.empty()) continue;
        PolicyExpression all{Kind::And, {}, {}, {}};
        for (const std::string& check : list) all.children.push_back(TRY(parse_check(check, 0)));
        any.children.push_back(std::move(all));
    }
    return any;  // of nothing: never
}

}  // namespace

Result<PolicyExpression> parse_policy_expression(const PolicyText& rule) {
    if (rule.is_list) return parse_lists(rule.lists);
    if (rule.text.empty()) return PolicyExpression{Kind::Always, {}, {}, {}};
    return Parser(rule.text).parse();
}

}  // namespace sallyport::core
