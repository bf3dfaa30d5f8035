#include <cstdint>
#include <string_view>

#include "integrations/object/sealed_value.h"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto sealed = object::split_sealed({reinterpret_cast<const char*>(data), size});
    const auto key = SecureBytes::of_size(32);
    if (sealed && key) (void)object::unseal(*sealed, *key);
    return 0;
}
