#include <cstdint>
#include <optional>
#include <span>

#include "integrations/image/private_key.h"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto encoded = SecureBytes::copy_of(std::as_bytes(std::span(data, size)));
    if (encoded) (void)image::read_private_key(*encoded, std::nullopt);
    return 0;
}
