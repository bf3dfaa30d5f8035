#include "integrations/object/text.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace sallyport::object {
namespace {

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '~';
}

std::optional<int> hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

void append_hex_byte(std::string& out, unsigned char byte, std::string_view digits) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
}

void append_code_unit(std::string& out, std::uint32_t unit) {
    constexpr std::string_view Digits = "0123456789abcdef";
    out.append("\\u");
    append_hex_byte(out, static_cast<unsigned char>(unit >> 8), Digits);
    append_hex_byte(out, static_cast<unsigned char>(unit & 0xff), Digits);
}

/// Takes one character off the front of `rest`; nothing if it is not well-formed UTF-8 (RFC 3629, section 4).
std::optional<std::uint32_t> take_character(std::string_view& rest) {
    const auto byte_at = [&rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const unsigned char first = byte_at(0);
    std::size_t size = 1;
    std::uint32_t character = first;
    std::uint32_t least = 0;
    if (first >= 0x80) {
        if ((first & 0xe0) == 0xc0) {
            size = 2, character = first & 0x1f, least = 0x80;
        } else if ((first & 0xf0) == 0xe0) {
            size = 3, character = first & 0x0f, least = 0x800;
        } else if ((first & 0xf8) == 0xf0) {
            size = 4, character = first & 0x07, least = 0x10000;
        } else {
            return std::nullopt;
        }
    }
    if (rest.size() < size) return std::nullopt;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(i) & 0xc0) != 0x80) return std::nullopt;
        character = (character << 6) | (byte_at(i) & 0x3f);
    }
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < least || character > 0x10ffff || surrogate) return std::nullopt;
    rest.remove_prefix(size);
    return character;
}

std::string decoded(std::string_view text, bool plus_is_blank) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const auto high = hex_value(text[i + 1]);
            const auto low = hex_value(text[i + 2]);
            if (high && low) {
                out.push_back(static_cast<char>(*high * 16 + *low));
                i += 2;
                continue;
            }
        }
        out.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
    return out;
}

}  // namespace

std::string percent_decoded(std::string_view text) { return decoded(text, false); }

std::string form_unquoted(std::string_view text) { return decoded(text, true); }

std::string percent_encoded(std::string_view bytes, std::string_view also_kept) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        if (is_unreserved(c) || also_kept.find(c) != std::string_view::npos) {
            out.push_back(c);
        } else {
            out.push_back('%');
            append_hex_byte(out, static_cast<unsigned char>(c), "0123456789ABCDEF");
        }
    }
    return out;
}

std::string form_quoted(std::string_view bytes) {
    std::string out = percent_encoded(bytes, " ");
    for (char& c : out) {
        if (c == ' ') c = '+';
    }
    return out;
}

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!take_character(bytes)) return false;
    }
    return true;
}

std::string latin1_as_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out.push_back(c);
        } else {
            out.push_back(static_cast<char>(0xc0 | (byte >> 6)));
            out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
        }
    }
    return out;
}

Result<std::string> utf8_as_latin1(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character || *character > 0xff) return Error{Code::InvalidInput, "text is not Latin-1", {}};
        out.push_back(static_cast<char>(*character));
    }
    return out;
}

Result<std::string> json_ascii(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character) return Error{Code::InvalidInput, "text is not UTF-8", {}};
        switch (*character) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\b': out.append("\\b"); break;
            case '\f': out.append("\\f"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            default:
                if (*character >= 0x10000) {
                    append_code_unit(out, 0xd800 + ((*character - 0x10000) >> 10));
                    append_code_unit(out, 0xdc00 + ((*character - 0x10000) & 0x3ff));
                } else if (*character < 0x20 || *character >= 0x80) {
                    append_code_unit(out, *character);
                } else {
                    out.push_back(static_cast<char>(*character));
                }
        }
    }
    out.push_back('"');
    return out;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view Blank = " \t\r\n\f\v";
    const auto first = text.find_first_not_of(Blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(Blank) - first + 1);
}

Result<unsigned long long> parse_number(std::string_view digits) {
    unsigned long long value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || error != std::errc() || stop != end) return Error{Code::InvalidInput, "not a number", {}};
    return value;
}

}  // namespace sallyport::object
