#include "tests/conformance/barbican/world.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/core/policy_report.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport::conformance {
namespace {

/// 32 hexadecimal digits that tell apart what they name, as Keystone's ids do.
std::string keystone_id(std::string_view text) {
    std::string hex = to_hex(bytes_of(text));
    hex.resize(32, '0');
    return hex;
}

/// A file with a master key, for as long as the program runs.
const std::string& kek_file() {
    struct File {
        std::string path = (std::filesystem::temp_directory_path() / "sallyport-kek-XXXXXX").string();
        File() {
            const int fd = mkstemp(path.data());  // made with mode 0600
            close(fd);
            std::ofstream(path) << to_base64(bytes_of("the master key of recorded tests"), Base64Alphabet::UrlSafe);
        }
        ~File() { std::filesystem::remove(path); }
    };
    static const File made;
    return made.path;
}

core::Caller caller_of(std::string_view persona) {
    return {UserId(World::user_id(persona)),
            ProjectId(World::project_id(persona.substr(0, 1))),
            core::with_implied_roles({World::role_of(persona)}),
            {}};
}

}  // namespace

World::World(bool new_defaults) {
    auto database = db::make_database({.url = "sqlite://", .password_file = {}, .sessions = 2});
    auto policy = core::AccessPolicy::load("", new_defaults);
    EXPECT_TRUE(database && policy);
    auto store = store::make_simple_crypto({.kek_files = {kek_file()}}, clock);
    EXPECT_TRUE(store);
    auto opened = core::KeyManager::open(*std::move(database), *std::move(store), *std::move(policy), clock, {});
    EXPECT_TRUE(opened);
    key_manager_ = *std::move(opened);
    router_.emplace(*key_manager_, api::RouterConfig{});
}

std::string World::project_id(std::string_view letter) { return keystone_id("project " + std::string(letter)); }
std::string World::role_of(std::string_view persona) {
    const std::string_view kind = persona.substr(2);
    if (kind == "creator2") return "creator";
    if (kind == "norole") return "bystander";
    if (kind == "svcadmin") return "key-manager:service-admin";
    return std::string(kind);
}
std::string World::user_id(std::string_view persona) { return keystone_id(persona); }

api::Response World::send(std::string_view persona, api::Request request) {
    // Time passes between requests, so that what is sorted by it has an order.
    clock.advance(std::chrono::milliseconds(1));
    request.base_url = BaseUrl;
    const std::string* id = request.header("X-Openstack-Request-Id");
    request.request_id = id != nullptr ? *id : "req-" + random_uuid();
    if (api::Router::is_public(request)) return router_->handle(request, nullptr);
    if (persona.empty()) return api::unauthenticated(request, Keystone);
    const core::Caller caller = caller_of(persona);
    return router_->handle(request, &caller);
}

api::Response World::send(std::string_view persona, std::string_view method, std::string_view target,
                          std::string_view json, std::vector<api::Header> headers) {
    api::Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    if (!json.empty() && request.header("Content-Type") == nullptr) {
        request.headers.emplace_back("Content-Type", "application/json");
    }
    request.body = *SecureBytes::copy_of(bytes_of(json));
    return send(persona, std::move(request));
}

std::string id_in(const api::Response& response) {
    const auto location =
        std::ranges::find(response.headers, std::string("Location"), [](const api::Header& h) { return h.first; });
    if (location == response.headers.end()) return {};
    return location->second.substr(location->second.rfind('/') + 1);
}

}  // namespace sallyport::conformance
