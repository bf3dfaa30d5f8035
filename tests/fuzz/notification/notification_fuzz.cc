#include <cstdint>
#include <string_view>

#include "integrations/image/deletion_policy.h"
#include "integrations/image/notification.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

// Whoever may publish to RabbitMQ writes notifications, and any user the properties in them. A key goes only by the
// policy's one word, and never the key of all zeros.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto image = image::deleted_image_of({reinterpret_cast<const char*>(data), size});
    if (!image || !*image) return 0;
    SALLYPORT_ASSERT(!(*image)->image.empty());  // one that names no image is an error
    model::Secret secret;
    secret.id = (*image)->secret;
    secret.project = (*image)->project;
    const auto decision = image::decide({.image = **image, .presence = image::Presence::Gone, .secret = &secret});
    if (!decision.deletes()) return 0;
    SALLYPORT_ASSERT((*image)->policy == "on_image_deletion");                              // the policy's rule
    SALLYPORT_ASSERT((*image)->secret.str().find_first_not_of("0-") != std::string::npos);  // the rule of zeros
    return 0;
}
