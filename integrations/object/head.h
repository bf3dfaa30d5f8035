#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::object {

/// The headers of one message, in order. Names compare without regard to case; values are bytes, as on the wire.
class Headers {
public:
    using Entry = std::pair<std::string, std::string>;

    Headers() = default;
    Headers(std::initializer_list<Entry> entries) : entries_(entries) {}

    /// The first value of that name; nullptr if there is none.
    const std::string* find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    std::string value_or(std::string_view name, std::string_view fallback) const;

    void add(std::string name, std::string value) { entries_.emplace_back(std::move(name), std::move(value)); }
    /// Replaces every header of that name by this one, at the place of the first.
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);

    template <class Predicate>
    void remove_if(Predicate predicate) {
        std::erase_if(entries_, [&](const Entry& entry) { return predicate(std::string_view(entry.first)); });
    }

    const std::vector<Entry>& entries() const { return entries_; }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

    friend bool operator==(const Headers&, const Headers&) = default;

private:
    std::vector<Entry> entries_;
};

/// What comes before a request's body.
struct RequestHead {
    std::string method;  ///< "GET", as sent
    std::string target;  ///< path and query, as sent: percent-encoded
    Headers headers;
    std::optional<std::uint64_t> body_length;  ///< absent: none was announced (a chunked body, or none)
};

/// What comes before a response's body. Content-Length is among the headers where it is known.
struct ResponseHead {
    int status = 200;
    Headers headers;
};

/// A whole response with a small body.
struct Answer {
    ResponseHead head;
    std::string body;
};

/// The answer that Swift gives with this status: its sentence in a bit of HTML, or nothing (2xx, 304, 412).
Answer swift_answer(int status);
/// The same with a body of our own in plain text.
Answer text_answer(int status, std::string text);

bool equal_no_case(std::string_view a, std::string_view b);
bool starts_with_no_case(std::string_view text, std::string_view prefix);

/// A header name in the case in which Swift keeps it: each run of letters begins with a capital, "_" becomes "-".
std::string title_case(std::string_view name);

/// "abc" for "\"abc\"" (one pair of quotes) and for "abc".
std::string_view without_quotes(std::string_view tag);

}  // namespace sallyport::object
