#include "keymanager/base/uuid.h"

#include <openssl/rand.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>

#include "keymanager/base/assert.h"
#include "keymanager/base/codec.h"

namespace sallyport {
namespace {

using Raw = std::array<std::byte, 16>;

Raw random_bits() {
    Raw raw{};
    // RAND_bytes fails only if the system has no randomness at all: nothing of a key manager may go on then.
    SALLYPORT_ASSERT(RAND_bytes(uchar(raw.data()), static_cast<int>(raw.size())) == 1);
    return raw;
}

std::string text_of(Raw raw, std::byte version) {
    raw[6] = (raw[6] & std::byte{0x0f}) | version << 4;
    raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
    std::string text = to_hex(raw);
    for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
    return text;
}

}  // namespace

std::string random_uuid() { return text_of(random_bits(), std::byte{4}); }

std::string time_ordered_uuid() {
    Raw raw = random_bits();
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    auto milliseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
    for (std::size_t i = 6; i-- > 0; milliseconds >>= 8U) raw[i] = static_cast<std::byte>(milliseconds & 0xffU);
    return text_of(raw, std::byte{7});
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
    }
    return true;
}

}  // namespace sallyport
