#include <cstdint>
#include <string>

#include "integrations/object/byte_range.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

/// Content-Range, Range and the boundary of a Content-Type: what an upstream and a client may send.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string header(reinterpret_cast<const char*>(data), size);
    (void)object::offset_of_content_range(header);
    (void)object::multipart_boundary(header);
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
        const auto choice = object::choose_ranges(&header, length);
        for (const object::ByteRange& range : choice.ranges) {
            SALLYPORT_ASSERT(range.begin < range.end && range.end <= length);  // never outside the body, never empty
        }
    }
    return 0;
}
