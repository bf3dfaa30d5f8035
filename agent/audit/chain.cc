#include "agent/audit/chain.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::audit {
namespace {

constexpr std::string_view Start = "{\"seq\":";
constexpr std::string_view BeforePrevious = ",\"prev\":\"";
constexpr std::string_view BeforeMac = "\",\"mac\":\"";
constexpr std::string_view End = "\"}";
constexpr std::size_t MacDigits = 64;

void append_hex(std::string& out, const Mac& mac) {
    constexpr std::string_view Digits = "0123456789abcdef";
    for (const std::byte byte : mac) {
        out += Digits[std::to_integer<unsigned>(byte) >> 4U];
        out += Digits[std::to_integer<unsigned>(byte) & 0xfU];
    }
}

std::optional<Mac> mac_from(std::string_view hex) {
    const auto bytes = from_hex(hex);
    if (!bytes || bytes->size() != Mac{}.size()) return std::nullopt;
    Mac mac{};
    std::copy(bytes->begin(), bytes->end(), mac.begin());
    return mac;
}

Error no_line() { return {Code::Corrupt, "this is no line of an audit log", {}}; }

}  // namespace

Result<Chain> Chain::make(std::span<const std::byte> key) {
    // RFC 5869's idea, with the purpose as the only input: two keys that tell nothing of each other.
    const SecureBytes lines = TRY(crypto::hmac_sha256_secret(key, bytes_of("sallyport audit line 1")));
    const SecureBytes heads = TRY(crypto::hmac_sha256_secret(key, bytes_of("sallyport audit head 1")));
    return Chain(TRY(crypto::HmacKey::make(lines.reveal())), TRY(crypto::HmacKey::make(heads.reveal())));
}

Result<Link> Chain::seal(std::string& line, std::uint64_t sequence, const Mac& previous) {
    line += BeforePrevious;
    append_hex(line, previous);
    const Mac mac = TRY(lines_.sign({bytes_of(line)}));
    line += BeforeMac;
    append_hex(line, mac);
    line += End;
    line += '\n';
    return Link{sequence, mac};
}

Result<Chain::Read> Chain::read(std::string_view line) {
    constexpr std::size_t TailBytes = BeforePrevious.size() + MacDigits + BeforeMac.size() + MacDigits + End.size();
    if (!line.starts_with(Start) || !line.ends_with(End) || line.size() < Start.size() + TailBytes) return no_line();
    const std::size_t previous_at = line.size() - TailBytes + BeforePrevious.size();
    const std::size_t mac_at = previous_at + MacDigits + BeforeMac.size();
    Read read;
    const auto [end, failed] =
        std::from_chars(line.data() + Start.size(), line.data() + line.size(), read.link.sequence);
    const auto previous = mac_from(line.substr(previous_at, MacDigits));
    const auto mac = mac_from(line.substr(mac_at, MacDigits));
    const bool is_framed = line.substr(previous_at - BeforePrevious.size(), BeforePrevious.size()) == BeforePrevious &&
                           line.substr(previous_at + MacDigits, BeforeMac.size()) == BeforeMac;
    if (failed != std::errc() || *end != ',' || !previous || !mac || !is_framed) return no_line();
    const Mac expected = TRY(lines_.sign({bytes_of(line.substr(0, previous_at + MacDigits))}));
    if (!equal_in_constant_time(expected, *mac)) {
        return Error{Code::Corrupt, "the line was changed, or was written under another key", {}};
    }
    read.link.mac = *mac;
    read.previous = *previous;
    return read;
}

Result<std::array<char, Chain::HeadBytes>> Chain::head(const Link& link) {
    std::string text = std::to_string(link.sequence);
    text.insert(0, 20 - text.size(), '0');
    text += ' ';
    append_hex(text, link.mac);
    const Mac seal = TRY(heads_.sign({bytes_of(text)}));
    text += ' ';
    append_hex(text, seal);
    text += '\n';
    std::array<char, HeadBytes> record{};
    std::copy(text.begin(), text.end(), record.begin());
    return record;
}

std::optional<Link> Chain::read_head(std::string_view record) {
    constexpr std::size_t SealAt = 20 + 1 + MacDigits + 1;
    if (record.size() != HeadBytes) return std::nullopt;
    Link link;
    const auto [end, failed] = std::from_chars(record.data(), record.data() + 20, link.sequence);
    const auto mac = mac_from(record.substr(21, MacDigits));
    const auto seal = mac_from(record.substr(SealAt, MacDigits));
    if (failed != std::errc() || end != record.data() + 20 || !mac || !seal) return std::nullopt;
    const auto expected = heads_.sign({bytes_of(record.substr(0, SealAt - 1))});
    if (!expected || !equal_in_constant_time(*expected, *seal)) return std::nullopt;
    link.mac = *mac;
    return link;
}

}  // namespace sallyport::audit
