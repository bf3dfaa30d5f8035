#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/config/config.h"
#include "keymanager/base/assert.h"

// A configuration is good, or each of its problems says which line and what.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto checked = sallyport::config::check_text(text, "agent.yaml");
    for (const auto& problem : checked.problems) SALLYPORT_ASSERT(!problem.text().empty());
    for (const auto& warning : checked.warnings) SALLYPORT_ASSERT(!warning.text().empty());
    return 0;
}
