#include <cstdint>
#include <string>

#include "agent/objects/key_route.h"
#include "integrations/object/granted_keys.h"
#include "keymanager/base/assert.h"

using namespace sallyport;

namespace {

Result<object::RootSecrets> zero_secret() {
    std::vector<object::RootSecrets::Entry> entries;
    entries.push_back({ "", TRY(SecureBytes::of_size(32)) });
    return object::RootSecrets::create(std::move(entries), "");
}

}  // namespace

/// The query of a question for keys, as a caller of the agent's socket may write it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static objects::RootSecretKeeper keeper(&zero_secret);
    static const std::string project = "node";
    static objects::KeyRoute route(keeper, project);
    api::Request request;
    request.method = "GET";
    request.target = "/sallyport/v1/objects/keys?" + std::string(reinterpret_cast<const char*>(data), size);
    const auto response =
        route.handle(request, {UserId("uid:0"), ProjectId(project), {std::string(objects::KeyRole)}, ""});
    SALLYPORT_ASSERT(response.status == 200 || response.status == 400 || response.status == 413);  // and nothing else
    if (response.status == 200) SALLYPORT_ASSERT(response.body.size() >= 32);
    return 0;
}
