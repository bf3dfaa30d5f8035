#pragma once

#include <boost/json/value.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "keymanager/api/rejection.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::api {

/// A request body as JSON, every byte of it in the secure arena. Lives as long as its values are used.
class JsonBody {
public:
    /// Reads the first `limit` bytes, as Barbican does, and trims every string value of white space.
    /// Rejection: 400.
    static Checked<JsonBody> parse(const SecureBytes& body, std::size_t limit);

    boost::json::value& root() { return *root_; }

private:
    explicit JsonBody(boost::json::value&& root) : root_(std::make_unique<boost::json::value>(std::move(root))) {}
    std::unique_ptr<boost::json::value> root_;
};

/// Memory for JSON values from the secure arena; freeing wipes.
boost::json::storage_ptr secure_storage();

/// The value as Python's repr() shows it: Barbican quotes what it refuses so.
SecureText python_repr(const boost::json::value& value);

/// The value as Python's json.dumps() writes it: what the column orders.meta holds and answers show.
template <class Text>
void append_json(Text& out, const boost::json::value& value);
/// A string in quotes, escaped; ASCII only.
template <class Text>
void append_json_string(Text& out, std::string_view text);

/// Builds one JSON object from left to right. `Text` is std::string, or SecureText where secrets may be.
template <class Text>
class JsonObjectWriter {
public:
    explicit JsonObjectWriter(Text& out) : out_(out) { out_ += '{'; }
    void text(std::string_view name, std::string_view value) {
        key(name);
        append_json_string(out_, value);
    }
    /// nullptr: null.
    void text_or_null(std::string_view name, const std::string* value) {
        if (value != nullptr) {
            text(name, *value);
        } else {
            raw(name, "null");
        }
    }
    void number(std::string_view name, long value) { raw(name, std::to_string(value)); }
    void boolean(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
    /// `json` is JSON already.
    void raw(std::string_view name, std::string_view json) {
        key(name);
        out_ += json;
    }
    void close() { out_ += '}'; }

private:
    void key(std::string_view name) {
        if (!first_) out_ += ", ";
        first_ = false;
        append_json_string(out_, name);
        out_ += ": ";
    }
    Text& out_;
    bool first_ = true;
};

}  // namespace sallyport::api
