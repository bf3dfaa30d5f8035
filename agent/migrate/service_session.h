#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "agent/http/blocking_client.h"
#include "agent/migrate/service_account.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::migrate {

/// Requests to one service with the token of an account. The token stays in locked memory, but for the moment of a
/// request. Thread-safe; calls block.
class ServiceSession {
public:
    /// Logs in. `connections`: how many are kept. Error: `InvalidInput` for a URL or CA file, `Unauthenticated` if
    /// Keystone refuses the account, `Unavailable`.
    static Result<std::unique_ptr<ServiceSession>> make(ServiceAccount account, http::Endpoint service,
                                                        std::size_t connections);

    /// The answer, whatever its status; after a 401 once more with a new token. Error: `Unavailable` if the service or
    /// Keystone cannot be reached, `Corrupt`, `Overloaded`.
    Result<api::Response> send(std::string_view method, std::string_view target, std::vector<api::Header> headers,
                               const SecureBytes& body);

    const auth::Account& account() const { return account_.account; }
    /// The id of its project.
    const ProjectId& project() const { return project_; }
    const http::Endpoint& service() const { return service_.endpoint(); }

private:
    using Token = std::shared_ptr<const SecureBytes>;  // owners: this and the calls under way

    ServiceSession(ServiceAccount account, http::Endpoint keystone, http::Endpoint service, std::size_t connections);

    /// A token other than `refused`.
    Result<Token> token_after(const Token& refused);
    Result<void> log_in();

    const ServiceAccount account_;
    http::BlockingClient keystone_;
    http::BlockingClient service_;
    ProjectId project_{};  ///< from the first log-in
    std::mutex mutex_;
    Token token_;  ///< guarded by mutex_
};

}  // namespace sallyport::migrate
