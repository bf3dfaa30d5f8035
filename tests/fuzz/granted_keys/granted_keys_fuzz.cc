#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "integrations/object/granted_keys.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

/// What claims to be an agent's grant of keys. The first byte says how many paths were asked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::vector<std::string> paths;
    for (int i = 0; i < data[0] % 4; ++i) paths.push_back("/a/c/" + std::to_string(i));
    object::GrantedKeys keys;
    const bool taken = keys.add(paths, std::as_bytes(std::span(data, size)).subspan(1)).has_value();
    SALLYPORT_ASSERT(taken != keys.ids().empty());  // all of it or nothing
    if (!taken) return 0;
    SALLYPORT_ASSERT(keys.ids().front() == keys.active());  // the active one comes first
    for (const std::string& id : keys.ids()) {
        for (const std::string& path : paths) {
            const auto key = keys.derive(id, path);
            SALLYPORT_ASSERT(key && key->size() == 32);  // each that was asked for is there
        }
    }
    SALLYPORT_ASSERT(!keys.derive(keys.active(), "/another"));  // and no other
    return 0;
}
