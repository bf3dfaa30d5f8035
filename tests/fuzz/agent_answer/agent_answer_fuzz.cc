#include <cstdint>
#include <string_view>

#include "integrations/object/agent_answer.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

/// What the filter in Swift's proxy receives on the agent's socket, in two pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view received(reinterpret_cast<const char*>(data), size);
    const auto whole = object::read_agent_answer(received);
    const auto part = object::read_agent_answer(received.substr(0, size / 2));
    if (whole && *whole) {
        SALLYPORT_ASSERT((*whole)->size <= size && (*whole)->status >= 100);  // the body begins within what has come
    }
    // A head that was whole in the first piece is the same with more behind it.
    if (part && *part) SALLYPORT_ASSERT(whole && *whole == *part);
    return 0;
}
