#include <algorithm>
#include <cstdint>
#include <vector>

#include "integrations/object/decrypt_stream.h"
#include "keymanager/base/bytes.h"

using namespace sallyport;

/// A multipart/byteranges body of boundary "b", in chunks whose size is the input's first byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    auto key = SecureBytes::of_size(32);
    auto stream = object::DecryptStream::multipart(*std::move(key), {}, "b");
    if (!stream) return 0;
    Bytes body(size - 1);
    std::transform(data + 1, data + size, body.begin(), [](std::uint8_t b) { return std::byte{b}; });
    const std::size_t chunk = std::max<std::size_t>(data[0], 1);
    for (std::size_t at = 0; at < body.size(); at += chunk) {
        if (!stream->decrypt(std::span(body).subspan(at, std::min(chunk, body.size() - at)))) return 0;
    }
    return 0;
}
