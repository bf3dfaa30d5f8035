#include "keymanager/api/json.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "keymanager/base/bytes.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

// Barbican has no limit; a body of 25,000 bytes could nest 12,000 deep.
constexpr std::size_t DeepestNesting = 64;

class SecureJsonResource final : public json::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        return secure_memory_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
        secure_memory_resource()->deallocate(block, bytes, alignment);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

// The part of str.isprintable() that shows in refusals: controls, separators, format characters, private use.
bool is_python_printable(char32_t c) {
    if (c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD) return false;
    if (is_python_space(c)) return c == 0x20;
    return !(c == 0x061C || c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
             (c >= 0x2060 && c <= 0x206F) || (c >= 0xE000 && c <= 0xF8FF) || c == 0xFEFF || c >= 0xE0000);
}

template <class Text>
void append_hex(Text& out, char32_t value, int digits) {
    constexpr std::string_view Hex = "0123456789abcdef";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += Hex[value >> shift & 0xF];
}

template <class Text>
void append_number(Text& out, double value) {
    // Python: fixed between 1e-4 and 1e16, always with a point; scientific elsewhere.
    std::array<char, 64> buffer{};
    const double magnitude = std::fabs(value);
    const bool fixed = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                       fixed ? std::chars_format::fixed : std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
    out += text;
    if (fixed && text.find('.') == text.npos) out += ".0";
}

template <class Text>
void append_plain_number(Text& out, const json::value& value) {
    if (value.is_double()) {
        append_number(out, value.get_double());
    } else {
        out += value.is_int64() ? std::to_string(value.get_int64()) : std::to_string(value.get_uint64());
    }
}

void append_repr_string(SecureText& out, std::string_view text) {
    const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
    out += quote;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        const char32_t c = next_code_point(text, at);
        if (c == static_cast<unsigned char>(quote) || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
        } else if (is_python_printable(c)) {
            out += text.substr(start, at - start);
        } else if (c <= 0xFF) {
            out += "\\x";
            append_hex(out, c, 2);
        } else if (c <= 0xFFFF) {
            out += "\\u";
            append_hex(out, c, 4);
        } else {
            out += "\\U";
            append_hex(out, c, 8);
        }
    }
    out += quote;
}

void trim_strings(json::value& value) {
    if (auto* object = value.if_object()) {
        for (auto& member : *object) trim_strings(member.value());
    } else if (auto* array = value.if_array()) {
        for (json::value& item : *array) trim_strings(item);
    } else if (auto* text = value.if_string()) {
        const std::string_view whole(text->data(), text->size());
        const std::string_view inner = trimmed(whole);
        if (inner.size() != whole.size()) {
            text->erase(static_cast<std::size_t>(inner.data() - whole.data()) + inner.size());
            text->erase(0, static_cast<std::size_t>(inner.data() - whole.data()));
        }
    }
}

}  // namespace

json::storage_ptr secure_storage() {
    static SecureJsonResource resource;
    return json::storage_ptr(&resource);
}

Checked<JsonBody> JsonBody::parse(const SecureBytes& body, std::size_t limit) {
    const std::string_view text = text_of(body.reveal().first(std::min(body.size(), limit)));
    if (!is_utf8(text)) return reject(400, "");
    json::parse_options options;
    options.max_depth = DeepestNesting;
    json::parser parser(secure_storage(), options);
    parser.reset(secure_storage());
    boost::system::error_code failure;
    parser.write(text.data(), text.size(), failure);
    if (failure) return reject(400, "Malformed JSON");
    JsonBody parsed(parser.release());
    trim_strings(parsed.root());
    return parsed;
}

template <class Text>
void append_json_string(Text& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = next_code_point(text, at);
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            default:
                if (c >= 0x20 && c < 0x7F) {
                    out += static_cast<char>(c);
                } else if (c <= 0xFFFF) {
                    out += "\\u";
                    append_hex(out, c, 4);
                } else {
                    // RFC 8259, section 7: beyond the basic plane as a pair of surrogates.
                    out += "\\u";
                    append_hex(out, 0xD800 + ((c - 0x10000) >> 10), 4);
                    out += "\\u";
                    append_hex(out, 0xDC00 + ((c - 0x10000) & 0x3FF), 4);
                }
        }
    }
    out += '"';
}

namespace {

/// What differs between the notations of one value.
struct JsonNotation {
    static constexpr std::string_view Null = "null", True = "true", False = "false";
    template <class Text>
    static void append_string(Text& out, std::string_view text) {
        append_json_string(out, text);
    }
};
struct PythonNotation {
    static constexpr std::string_view Null = "None", True = "True", False = "False";
    static void append_string(SecureText& out, std::string_view text) { append_repr_string(out, text); }
};

template <class Notation, class Text>
void append_value(Text& out, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null: out += Notation::Null; return;
        case json::kind::bool_: out += value.get_bool() ? Notation::True : Notation::False; return;
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_: append_plain_number(out, value); return;
        case json::kind::string: Notation::append_string(out, value.get_string()); return;
        case json::kind::array: {
            out += '[';
            for (std::size_t i = 0; i < value.get_array().size(); ++i) {
                if (i > 0) out += ", ";
                append_value<Notation>(out, value.get_array()[i]);
            }
            out += ']';
            return;
        }
        case json::kind::object: {
            out += '{';
            bool first = true;
            for (const auto& member : value.get_object()) {
                if (!first) out += ", ";
                first = false;
                Notation::append_string(out, member.key());
                out += ": ";
                append_value<Notation>(out, member.value());
            }
            out += '}';
            return;
        }
    }
}

}  // namespace

SecureText python_repr(const json::value& value) {
    SecureText out = secure_text();
    append_value<PythonNotation>(out, value);
    return out;
}

template <class Text>
void append_json(Text& out, const json::value& value) {
    append_value<JsonNotation>(out, value);
}

template void append_json<std::string>(std::string&, const json::value&);
template void append_json<SecureText>(SecureText&, const json::value&);
template void append_json_string<std::string>(std::string&, std::string_view);
template void append_json_string<SecureText>(SecureText&, std::string_view);

}  // namespace sallyport::api
