#include "keymanager/base/codec.h"

#include <array>
#include <cstdint>

namespace sallyport {
namespace {

constexpr std::string_view HexDigits = "0123456789abcdef";
constexpr std::string_view StandardDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view UrlSafeDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::size_t base64_size(std::size_t n) { return (n + 2) / 3 * 4; }
constexpr std::size_t decoded_bound(std::size_t n) { return n / 4 * 3 + 3; }

void encode_hex(std::span<const std::byte> in, std::span<char> out) {
    for (std::size_t i = 0; i < in.size(); ++i) {
        const auto byte = std::to_integer<unsigned>(in[i]);
        out[2 * i] = HexDigits[byte >> 4];
        out[2 * i + 1] = HexDigits[byte & 15];
    }
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool decode_hex(std::string_view in, std::span<std::byte> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_value(in[2 * i]), low = hex_value(in[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::byte>(high * 16 + low);
    }
    return true;
}

void encode_base64(std::span<const std::byte> in, std::span<char> out, Base64Alphabet alphabet) {
    const std::string_view digits = alphabet == Base64Alphabet::Standard ? StandardDigits : UrlSafeDigits;
    std::size_t o = 0;
    for (std::size_t i = 0; i < in.size(); i += 3) {
        const std::size_t left = in.size() - i;
        std::uint32_t group = std::to_integer<std::uint32_t>(in[i]) << 16;
        if (left > 1) group |= std::to_integer<std::uint32_t>(in[i + 1]) << 8;
        if (left > 2) group |= std::to_integer<std::uint32_t>(in[i + 2]);
        out[o++] = digits[group >> 18 & 63];
        out[o++] = digits[group >> 12 & 63];
        out[o++] = left > 1 ? digits[group >> 6 & 63] : '=';
        out[o++] = left > 2 ? digits[group & 63] : '=';
    }
}

std::array<std::int8_t, 256> decoding_table(std::string_view digits) {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < digits.size(); ++i)
        table[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
    return table;
}

/// Number of bytes decoded, or nothing if the text is not base64. The rule for padding is that of Python's
/// binascii.a2b_base64: the text ends at the first '=' that completes a group; what follows is dropped (lenient) or
/// refused (strict).
std::optional<std::size_t> decode_base64(std::string_view in, std::span<std::byte> out, Base64Alphabet alphabet,
                                         Base64Strictness strictness) {
    static const auto standard = decoding_table(StandardDigits);
    static const auto url_safe = decoding_table(UrlSafeDigits);
    const auto& table = alphabet == Base64Alphabet::Standard ? standard : url_safe;
    const bool strict = strictness == Base64Strictness::Strict;
    std::uint32_t group = 0;
    unsigned digits = 0, pads = 0;
    std::size_t o = 0, i = 0;
    // Whole groups of digits, which is all but the end of a well-formed text. A negative entry sets the sign.
    for (; i + 4 <= in.size(); i += 4) {
        const auto value = [&table, at = in.data() + i](std::size_t k) {
            return static_cast<std::int32_t>(table[static_cast<unsigned char>(at[k])]);
        };
        const std::int32_t a = value(0), b = value(1), c = value(2), d = value(3);
        if ((a | b | c | d) < 0) break;
        out[o++] = static_cast<std::byte>(a << 2 | b >> 4);
        out[o++] = static_cast<std::byte>(b << 4 | c >> 2);
        out[o++] = static_cast<std::byte>(c << 6 | d);
    }
    for (; i < in.size(); ++i) {
        const char c = in[i];
        if (c == '=') {
            ++pads;
            if (digits >= 2 && digits + pads >= 4) {
                if (strict && i + 1 != in.size()) return std::nullopt;
                out[o++] = static_cast<std::byte>(group >> (digits == 2 ? 4 : 10));
                if (digits == 3) out[o++] = static_cast<std::byte>(group >> 2);
                return o;
            }
            if (strict && digits < 2) return std::nullopt;
            continue;
        }
        const int value = table[static_cast<unsigned char>(c)];
        if (value < 0) {
            if (strict) return std::nullopt;
            continue;
        }
        if (strict && pads > 0) return std::nullopt;
        pads = 0;
        group = group << 6 | static_cast<std::uint32_t>(value);
        if (++digits == 4) {
            out[o++] = static_cast<std::byte>(group >> 16);
            out[o++] = static_cast<std::byte>(group >> 8);
            out[o++] = static_cast<std::byte>(group);
            group = digits = 0;
        }
    }
    return digits == 0 ? std::optional(o) : std::nullopt;
}

Error not_hex() { return {Code::InvalidInput, "not a hexadecimal string of even length", {}}; }
Error not_base64() { return {Code::InvalidInput, "not valid base64", {}}; }

std::span<char> chars(SecureBytes& bytes) {
    const auto span = bytes.writable();
    return {reinterpret_cast<char*>(span.data()), span.size()};
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
    std::string out(bytes.size() * 2, '\0');
    encode_hex(bytes, out);
    return out;
}

Result<Bytes> from_hex(std::string_view text) {
    Bytes out(text.size() / 2);
    if (text.size() % 2 != 0 || !decode_hex(text, out)) return not_hex();
    return out;
}

std::string to_base64(std::span<const std::byte> bytes, Base64Alphabet alphabet) {
    std::string out(base64_size(bytes.size()), '\0');
    encode_base64(bytes, out, alphabet);
    return out;
}

Result<Bytes> from_base64(std::string_view text, Base64Alphabet alphabet, Base64Strictness strictness) {
    Bytes out(decoded_bound(text.size()));
    const auto size = decode_base64(text, out, alphabet, strictness);
    if (!size) return not_base64();
    out.resize(*size);
    return out;
}

Result<SecureBytes> to_hex_secure(const SecureBytes& bytes) {
    SecureBytes out = TRY(SecureBytes::of_size(bytes.size() * 2));
    encode_hex(bytes.reveal(), chars(out));
    return out;
}

Result<SecureBytes> from_hex_secure(std::span<const std::byte> text) {
    SecureBytes out = TRY(SecureBytes::of_size(text.size() / 2));
    if (text.size() % 2 != 0 || !decode_hex(text_of(text), out.writable())) return not_hex();
    return out;
}

Result<SecureBytes> to_base64_secure(const SecureBytes& bytes, Base64Alphabet alphabet) {
    SecureBytes out = TRY(SecureBytes::of_size(base64_size(bytes.size())));
    encode_base64(bytes.reveal(), chars(out), alphabet);
    return out;
}

Result<SecureBytes> from_base64_secure(std::span<const std::byte> text, Base64Alphabet alphabet,
                                       Base64Strictness strictness) {
    SecureBytes out = TRY(SecureBytes::of_size(decoded_bound(text.size())));
    const auto size = decode_base64(text_of(text), out.writable(), alphabet, strictness);
    if (!size) return not_base64();
    out.truncate(*size);
    return out;
}

}  // namespace sallyport
