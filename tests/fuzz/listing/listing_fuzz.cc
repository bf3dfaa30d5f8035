#include <cstdint>
#include <string>
#include <string_view>

#include "integrations/object/listing.h"
#include "integrations/object/listing_query.h"
#include "keymanager/base/assert.h"
#include "tests/fuzz/zero_secrets.h"

using namespace sallyport;

/// A store's listing: decrypted, and made into the other formats.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    const auto decrypted = object::decrypt_listing(json, {"a", "c", ""}, object::zero_secrets());
    if (!decrypted) return 0;
    // What was decrypted is a listing again, and decrypting it changes nothing more.
    const auto again = object::decrypt_listing(*decrypted, {"a", "c", ""}, object::zero_secrets());
    SALLYPORT_ASSERT(again && *again == *decrypted);
    (void)object::listing_as_xml(*decrypted, "container", "c");
    (void)object::listing_as_text(*decrypted);
    return 0;
}
