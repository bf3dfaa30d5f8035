#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::audit {

using Mac = std::array<std::byte, 32>;

/// The end of the chain: its last line's number and MAC. Before the first line: 0 and zeros.
struct Link {
    std::uint64_t sequence = 0;
    Mac mac{};
    friend bool operator==(const Link&, const Link&) = default;
};

/// How lines hang together, and how the head record is sealed. With a key both are HMAC-SHA256 under it (for lines and
/// heads under keys that are derived from it, so that neither can pass for the other); without one anybody can compute
/// them, and the chain shows accidents and careless hands only. One thread at a time.
class Chain {
public:
    /// `key` may be empty: there is none.
    static Result<Chain> make(std::span<const std::byte> key);

    /// Completes `line`, which append_event() began: the MAC before it, its own, and the line's end. Gives the link.
    Result<Link> seal(std::string& line, std::uint64_t sequence, const Mac& previous);

    struct Read {
        Link link;
        Mac previous;
    };
    /// Takes a line (without its end) apart. Error: `Corrupt` if it is none, or its MAC is not that of its text.
    Result<Read> read(std::string_view line);

    /// The head record: 20 digits, the MAC, the seal, a line feed.
    static constexpr std::size_t HeadBytes = 20 + 1 + 64 + 1 + 64 + 1;
    Result<std::array<char, HeadBytes>> head(const Link& link);
    /// Nothing if the seal is not ours.
    std::optional<Link> read_head(std::string_view record);

private:
    Chain(crypto::HmacKey lines, crypto::HmacKey heads) : lines_(std::move(lines)), heads_(std::move(heads)) {}
    crypto::HmacKey lines_;
    crypto::HmacKey heads_;
};

}  // namespace sallyport::audit
