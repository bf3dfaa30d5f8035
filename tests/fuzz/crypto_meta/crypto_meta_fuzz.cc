#include <cstdint>
#include <string_view>

#include "integrations/object/crypto_meta.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

/// Any header; what was read and can be written reads back as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view header(reinterpret_cast<const char*>(data), size);
    const auto meta = object::crypto_meta_from_header(header);
    if (!meta) return 0;
    (void)object::checked_iv(*meta);
    const auto written = object::to_header(*meta);
    if (!written) return 0;
    const auto again = object::crypto_meta_from_header(*written);
    SALLYPORT_ASSERT(again);  // ours is always readable
    SALLYPORT_ASSERT(again->iv == meta->iv && again->cipher == meta->cipher);
    SALLYPORT_ASSERT(*object::to_header(*again) == *written);
    return 0;
}
