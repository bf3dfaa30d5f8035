#include "integrations/object/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace sallyport::object {
namespace {

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '~';
}

constexpr unsigned char NoDigit = 0xff;

constexpr std::array<unsigned char, 256> HexValues = [] {
    std::array<unsigned char, 256> values{};
    values.fill(NoDigit);
    for (unsigned char i = 0; i < 10; ++i) values['0' + i] = i;
    for (unsigned char i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<unsigned char>(10 + i);
    return values;
}();

/// The characters at the beginning of `text` that are ASCII: nearly all of it, nearly always.
std::string_view ascii_begin(std::string_view text) {
    constexpr std::uint64_t HighBits = 0x8080808080808080;
    std::size_t size = 0;
    for (std::uint64_t eight = 0; size + sizeof eight <= text.size(); size += sizeof eight) {
        std::memcpy(&eight, text.data() + size, sizeof eight);
        if ((eight & HighBits) != 0) break;
    }
    while (size < text.size() && (text[size] & 0x80) == 0) ++size;
    return text.substr(0, size);
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
    std::string out(text.size(), '\0');
    std::size_t size = 0;
    const auto digit = [text](std::size_t i) { return HexValues[static_cast<unsigned char>(text[i])]; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%' && i + 2 < text.size() && digit(i + 1) != NoDigit && digit(i + 2) != NoDigit) {
            c = static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out[size++] = c;
    }
    out.resize(size);
    return out;
}

}  // namespace

std::string percent_decoded(std::string_view text) { return decoded(text, false); }

std::string form_unquoted(std::string_view text) { return decoded(text, true); }

std::string percent_encoded(std::string_view bytes, std::string_view also_kept) {
    constexpr std::string_view Digits = "0123456789ABCDEF";
    std::string out(3 * bytes.size(), '%');
    std::size_t size = 0;
    for (const char c : bytes) {
        if (is_unreserved(c) || also_kept.find(c) != std::string_view::npos) {
            out[size++] = c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out[size + 1] = Digits[byte >> 4];
        out[size + 2] = Digits[byte & 15];
        size += 3;
    }
    out.resize(size);
    return out;
}

std::string form_quoted(std::string_view bytes) {
    std::string out = percent_encoded(bytes, " ");
    std::replace(out.begin(), out.end(), ' ', '+');
    return out;
}

bool is_utf8(std::string_view bytes) {
    for (;;) {
        bytes.remove_prefix(ascii_begin(bytes).size());
        if (bytes.empty()) return true;
        if (!take_character(bytes)) return false;
    }
}

std::string latin1_as_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (;;) {
        const std::string_view ascii = ascii_begin(bytes);
        out.append(ascii);
        bytes.remove_prefix(ascii.size());
        if (bytes.empty()) return out;
        const auto byte = static_cast<unsigned char>(bytes.front());
        out.push_back(static_cast<char>(0xc0 | (byte >> 6)));
        out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
        bytes.remove_prefix(1);
    }
}

Result<std::string> utf8_as_latin1(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (;;) {
        const std::string_view ascii = ascii_begin(text);
        out.append(ascii);
        text.remove_prefix(ascii.size());
        if (text.empty()) return out;
        const auto character = take_character(text);
        if (!character || *character > 0xff) return Error{Code::InvalidInput, "text is not Latin-1", {}};
        out.push_back(static_cast<char>(*character));
    }
}

Result<std::string> json_ascii(std::string_view text) {
    std::string out = "\"";
    out.reserve(text.size() + 2);
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
                } else if (*character < 0x20 || *character >= 0x7f) {
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
