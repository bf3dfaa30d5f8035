#include <cstdint>

#include "integrations/volume/luks_header.h"
#include "integrations/volume/qcow2.h"
#include "keymanager/base/bytes.h"
#include "tests/unit/integrations/volume/luks_builder.h"
#include "tests/unit/integrations/volume/memory_source.h"

namespace {

using namespace sallyport;
using namespace sallyport::volume;

void read(const Bytes& device) {
    const MemorySource source(device);
    static_cast<void>(read_luks_header(source));
    if (const auto window = luks_header_of_qcow2(source); window && *window)
        static_cast<void>(read_luks_header(**window));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 256 * 1024) return 0;
    const auto input = std::as_bytes(std::span(data, size));
    Bytes device(input.begin(), input.end());
    read(device);
    // A checksum keeps mutations out of the JSON: the same once more with the checksum made right.
    if (size < 512) return 0;
    device.resize(std::max(device.size(), Luks2HeaderSize));
    put_number(device, 6, 2, 2);
    put_number(device, 8, 8, Luks2HeaderSize);
    put_number(device, 256, 8, 0);
    put_text(device, 72, std::string_view("sha256\0", 7));
    seal_luks2(device, 0);
    read(device);
    return 0;
}
