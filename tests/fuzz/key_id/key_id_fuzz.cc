#include <cstdint>
#include <string>
#include <string_view>

#include "integrations/object/crypto_meta.h"
#include "integrations/object/object_keys.h"
#include "keymanager/base/assert.h"
#include "tests/fuzz/zero_secrets.h"

using namespace sallyport;

/// A stored key_id, read for a request about an object and about a container.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string json(reinterpret_cast<const char*>(data), size);
    const auto meta = object::crypto_meta_from_header("{\"key_id\": " + json + "}");
    if (!meta || !meta->key_id || !*meta->key_id) return 0;
    const auto of_object = object::keys_of(object::zero_secrets(), {"a", "c", "o"}, **meta->key_id);
    SALLYPORT_ASSERT(!of_object || of_object->object.size() == 32);  // keys are whole or not there
    const auto of_container = object::keys_of(object::zero_secrets(), {"a", "c", ""}, **meta->key_id);
    SALLYPORT_ASSERT(!of_container || of_container->container.size() == 32);  // as above
    return 0;
}
