#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/db/session.h"

/// What the repositories share. Nothing for anybody else.
namespace sallyport::db {

/// The number that a SELECT COUNT(*) answers.
Result<long> take_count(Session& session, const Query& query, std::initializer_list<Param> params);

/// A statement for Session::select_once as it is put together: constant pieces of text, and the values that belong to
/// them in one order. No value ever gets into the text.
struct StatementText {
    std::string text;
    std::vector<Param> params;

    void add(std::string_view piece) { text += piece; }
    /// The piece, and the value behind it.
    template <class T>
    void add(std::string_view piece, const T& value) {
        text += piece;
        text += next_name();
        params.emplace_back(value);
    }
    /// The piece, and "(:v0, :v1, ...)" behind it: what follows an IN. Not for an empty list, which is no SQL.
    template <class Range, class Member>
    void add_list(std::string_view piece, const Range& range, Member member) {
        text += piece;
        std::string_view separator = " (";
        for (const auto& item : range) {
            add(separator, item.*member);
            separator = ", ";
        }
        text += ")";
    }
    /// The piece with LIKE for a value that is meant as it is: letters' case is the vendor's, wildcards are none.
    void add_like(std::string_view column, const std::string& value) {
        likes_.push_back(std::make_unique<std::string>(literal_like(value)));
        text += column;
        add(" LIKE ", *likes_.back());
        text += " ESCAPE '!'";
    }
    /// '%', '_' and '!' as LIKE ... ESCAPE '!' takes them for themselves.
    static std::string literal_like(std::string_view value);

private:
    std::string next_name() const { return ":v" + std::to_string(params.size()); }
    std::vector<std::unique_ptr<std::string>> likes_;  ///< params borrow them
};

}  // namespace sallyport::db
