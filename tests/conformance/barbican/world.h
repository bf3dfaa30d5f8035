#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/api/router.h"
#include "keymanager/core/key_manager.h"
#include "tests/fakes/manual_clock.h"

namespace sallyport::conformance {

/// One key manager on an empty database in memory, and who asks it.
class World {
public:
    explicit World(bool new_defaults = false);

    static constexpr std::string_view BaseUrl = "http://127.0.0.1:9311";
    static constexpr std::string_view Keystone = "http://127.0.0.1:5000";

    /// "a_creator": a user with one role in project a. "": no token.
    api::Response send(std::string_view persona, api::Request request);
    api::Response send(std::string_view persona, std::string_view method, std::string_view target,
                       std::string_view json = {}, std::vector<api::Header> headers = {});
    static std::string project_id(std::string_view letter);
    static std::string user_id(std::string_view persona);
    static std::string role_of(std::string_view persona);

    fakes::ManualClock clock;

private:
    std::unique_ptr<core::KeyManager> key_manager_;
    std::optional<api::Router> router_;
};

/// The UUID at the end of the answer's Location.
std::string id_in(const api::Response& response);

}  // namespace sallyport::conformance
