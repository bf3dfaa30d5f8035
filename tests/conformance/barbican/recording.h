#pragma once

#include <boost/json.hpp>

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/api/http_message.h"
#include "tests/conformance/barbican/world.h"

namespace sallyport::conformance {

/// One named case of a recording: requests in order, each with the answer that Barbican gave.
struct Case {
    std::string file;
    std::string name;
    boost::json::value steps;
};

/// What a failing test shows of it.
inline void PrintTo(const Case& one, std::ostream* out) { *out << one.file << ": " << one.name; }

std::vector<Case> load_cases(const std::string& file);

/// The recordings' "{{symbols}}": ids that answers bring, and words for times and lengths. One a case.
class Symbols {
public:
    explicit Symbols(const World& world);

    /// The text with every symbol replaced by its value. Stops the test at a symbol that has none.
    std::string fill(std::string_view text) const;
    boost::json::value fill(const boost::json::value& value) const;

    /// How `got` differs from the recorded `want`, one line each; binds the symbols that are new. `unordered`: lists
    /// may come in any order.
    void compare(const boost::json::value& want, const boost::json::value& got, const std::string& path, bool unordered,
                 std::vector<std::string>& differences);

private:
    const std::string* value_of(std::string_view symbol) const;
    bool matches(std::string_view want, std::string_view got);
    void compare_lists(const boost::json::array& want, const boost::json::array& got, const std::string& path,
                       bool unordered, std::vector<std::string>& differences);

    const World& world_;
    std::map<std::string, std::string, std::less<>> values_;
    mutable std::string made_;  ///< the last value that is made rather than kept
};

/// A recorded request with its symbols filled in.
api::Request request_of(const boost::json::value& recorded, const Symbols& symbols);
/// An answer in the form of the recordings: status, the headers that matter, and the body by its type.
boost::json::value recorded_form(const api::Response& response);

}  // namespace sallyport::conformance
