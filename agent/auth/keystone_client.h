#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/caller.h"

namespace sallyport::auth {

/// What Keystone says of a good token.
struct TokenFacts {
    core::Caller caller;
    Timestamp expires;
};

/// A token of the agent's own account, and what it may do.
struct ServiceToken {
    SecureBytes token;
    std::vector<std::string> roles;  ///< in lower case
    Timestamp renew_at;              ///< before it expires
};
using ServiceTokenPtr = std::shared_ptr<const ServiceToken>;  // owners: the client and calls that use it just now

/// Asks Keystone (Identity API v3) about tokens, with the agent's own account. Logs in when it must: at first, before
/// its own token expires, and after a 401. Keeps password and token in locked memory.
///
/// Thread-safe; runs on event loops. Headers pass through ordinary memory on their way to the socket and are wiped.
class KeystoneClient {
public:
    /// Reads the password file. Error: `InvalidInput` for the URL, `Io` for the file.
    static Result<std::unique_ptr<KeystoneClient>> make(const config::Keystone& config, const Clock& clock);
    ~KeystoneClient();

    enum class Expired { Refused, Allowed };

    /// Who is behind `token`. With Expired::Allowed it may have expired, for as long as Keystone's own configuration
    /// lets services go on with their users' tokens. Error: `Unauthenticated` if Keystone does not know it (never made,
    /// revoked, expired); `Unavailable` if Keystone is away, slow, broken, or refuses the agent's own account (the log
    /// says which).
    boost::asio::awaitable<Result<TokenFacts>> validate(const SecureBytes& token, Expired expired = Expired::Refused);

    /// What the agent shows to other services. Error: `Unavailable` as above.
    boost::asio::awaitable<Result<ServiceTokenPtr>> service_token();
    /// Another service has refused it: the next one is asked for anew.
    void discard(const ServiceTokenPtr& refused);

private:
    struct Impl;
    explicit KeystoneClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Reads the answer of GET /auth/tokens. Roles are those of a project or of the system: a token that is scoped to
/// neither has none that count here. Error: `Unavailable` if it makes no sense.
Result<TokenFacts> token_facts_of(std::string_view json);

/// A domain, by one of the two.
struct Domain {
    std::string name{};
    std::string id{};
};
/// Who logs in, and for which project.
struct Account {
    std::string username;
    Domain user_domain{};
    std::string project;
    Domain project_domain{};
};
/// The body of POST /auth/tokens: a log-in by password, scoped to the project.
Result<SecureBytes> login_body(const Account& account, const SecureBytes& password);

}  // namespace sallyport::auth
