#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>

#include "keymanager/api/container_body.h"
#include "keymanager/api/json.h"
#include "keymanager/api/order_body.h"
#include "keymanager/api/secret_body.h"
#include "keymanager/api/user_metadata_body.h"
#include "keymanager/base/assert.h"
#include "keymanager/base/secure_bytes.h"

using namespace sallyport;

// A body is read or refused with a 4xx; what is read can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = SecureBytes::copy_of(std::as_bytes(std::span(data, size)));
    if (!body) return 0;
    const api::SecretBodyRules rules{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22), 20000, false};
    try {
        auto json = api::JsonBody::parse(*body, 25000);
        if (!json) return 0;
        api::SecureText text = api::secure_text();
        api::append_json(text, json->root());
        auto again = api::JsonBody::parse(*SecureBytes::copy_of(std::as_bytes(std::span(text))), text.size());
        SALLYPORT_ASSERT(static_cast<bool>(again));  // the writer escapes everything that JSON does not allow
        const auto secret = api::parse_secret_body(json->root(), rules);
        SALLYPORT_ASSERT(secret || secret.error().status == 400 || secret.error().status == 413);  // bad input is 4xx
        const auto container = api::parse_container_body(json->root(), "http://h");
        SALLYPORT_ASSERT(container || container.error().status == 400);  // as above
        const auto member = api::parse_member_body(json->root());
        SALLYPORT_ASSERT(member || member.error().status == 400);  // as above
        const auto metadata = api::parse_user_metadata(json->root());
        SALLYPORT_ASSERT(metadata || metadata.error().status == 400);  // as above
        const auto metadatum = api::parse_user_metadatum(json->root());
        SALLYPORT_ASSERT(metadatum || metadatum.error().status == 400);  // as above
        // Last: it takes out of the body what it keeps.
        const auto order = api::parse_order_body(json->root(), rules);
        SALLYPORT_ASSERT(order || order.error().status == 400 || order.error().status == 413);  // as above
    } catch (const std::bad_alloc&) {
        // The arena is full: Router::handle answers 503.
    }
    return 0;
}
