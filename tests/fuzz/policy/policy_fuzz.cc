#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keymanager/base/assert.h"
#include "keymanager/core/access_policy.h"

using sallyport::core::AccessPolicy;

// A policy file is loaded or refused with a reason; one that loads answers every question.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto policy = AccessPolicy::load(text, size % 2 == 0);
    if (!policy) {
        SALLYPORT_ASSERT(!policy.error().message.empty());  // every refusal in the loader is written with a message
        return 0;
    }
    const sallyport::core::Caller caller{sallyport::UserId("u"), sallyport::ProjectId("p"), {"creator"}, "all"};
    sallyport::core::Target target;
    target.set("target.secret.project_id", "p");
    target.set("target.secret.read_project_access", "True");
    for (const auto& rule : policy->rules()) policy->allows(rule.name, caller, target);
    return 0;
}
