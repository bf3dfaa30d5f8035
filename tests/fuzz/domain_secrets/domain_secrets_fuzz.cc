#include <cstdint>
#include <string_view>

#include "integrations/libvirt/domain_secrets.h"
#include "integrations/libvirt/secret_xml.h"
#include "keymanager/base/assert.h"

// Domains' and secrets' XML comes from libvirtd, and through its hooks from whoever may define a domain.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view xml(reinterpret_cast<const char*>(data), size);
    if (const auto found = sallyport::libvirt::domain_secrets(xml)) {
        for (const auto& secret : *found) SALLYPORT_ASSERT(secret.uuid.empty() != secret.usage.empty());
    }
    static_cast<void>(sallyport::libvirt::read_secret_description(xml));
    return 0;
}
