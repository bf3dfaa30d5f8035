#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/fernet.h"

using sallyport::bytes_of;
using sallyport::crypto::Fernet;

// Whatever is said to be a token: it is refused, or it opens and its plaintext makes a token that opens to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The key of the Fernet spec's vectors, so that the corpus holds tokens that open.
    static const Fernet key = *Fernet::from_text(bytes_of("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="));
    const std::string_view token(reinterpret_cast<const char*>(data), size);
    const auto plain = key.decrypt(token);
    if (!plain) return 0;
    const auto again = key.encrypt(*plain, sallyport::Timestamp{});
    if (!again) return 0;
    const auto reopened = key.decrypt(*again);
    if (!reopened || !sallyport::equal_in_constant_time(reopened->reveal(), plain->reveal())) std::abort();
    return 0;
}
