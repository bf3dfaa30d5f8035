#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::api {

struct RouterConfig {
    std::size_t secret_bytes = 20000;           ///< payload limit on the transferred text: over it 413
    std::size_t request_bytes = 25000;          ///< longer bodies are read truncated, as Barbican does
    std::string healthcheck_disable_file = {};  ///< while it exists /healthcheck says 503
};

/// Barbican's REST API v1 as one function of values.
/// Thread-safe; blocks: use it from a lane.
class Router {
public:
    Router(core::KeyManager& key_manager, const RouterConfig& config);
    ~Router();

    /// True for what anybody may ask without a token (versions at "/", /healthcheck): such requests carry no caller.
    static bool is_public(const Request& request);

    /// Never throws and always answers. `caller` is null only for what is_public() says.
    Response handle(const Request& request, const core::Caller* caller) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The answer of the token check itself (keystonemiddleware's body) when nobody known is calling.
Response unauthenticated(const Request& request, std::string_view www_authenticate_uri);
/// Barbican's error body for an Error: the one table from Code to status.
Response error_response(const Request& request, const Error& error);

}  // namespace sallyport::api
