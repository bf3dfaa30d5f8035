#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "keymanager/api/router.h"
#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"
#include "keymanager/core/key_manager.h"
#include "tests/fakes/fake_secret_store.h"

using namespace sallyport;

namespace {

std::unique_ptr<core::KeyManager> open_key_manager() {
    auto database = db::make_database({.url = "sqlite://", .password_file = {}, .sessions = 1});
    auto policy = core::AccessPolicy::load("", false);
    SALLYPORT_ASSERT(database && policy);  // nothing here depends on the input
    auto opened = core::KeyManager::open(*std::move(database), std::make_unique<fakes::FakeSecretStore>(),
                                         *std::move(policy), system_clock(), {});
    SALLYPORT_ASSERT(opened.has_value());  // as above
    return *std::move(opened);
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

/// "METHOD TARGET", headers, an empty line, the body.
api::Request request_of(std::string_view text) {
    api::Request request;
    const std::string_view first = take_line(text);
    const std::size_t blank = first.find(' ');
    request.method = first.substr(0, blank);
    if (blank != first.npos) request.target = first.substr(blank + 1);
    for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
        const std::size_t colon = line.find(": ");
        if (colon != line.npos) request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    if (auto body = SecureBytes::copy_of(bytes_of(text))) request.body = *std::move(body);
    request.base_url = "http://127.0.0.1:9311";
    request.request_id = "req-fuzz";
    return request;
}

}  // namespace

// Whatever is asked, there is an answer, and nothing is thrown.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A fresh one now and then, so that what stores make does not fill the memory.
    static std::unique_ptr<core::KeyManager> key_manager;
    static int asked = 0;
    if (key_manager == nullptr || ++asked % 20'000 == 0) key_manager = open_key_manager();
    const api::Router router(*key_manager, {});
    const api::Request request = request_of({reinterpret_cast<const char*>(data), size});
    const core::Caller caller{
        UserId("u"), ProjectId("p"), {size % 3 == 0 ? "observer" : "creator", "key-manager:service-admin"}, {}};
    const api::Response response = router.handle(request, api::Router::is_public(request) ? nullptr : &caller);
    SALLYPORT_ASSERT(response.status >= 200 && response.status < 600);  // every path of the router sets a status
    return 0;
}
