#include "agent/auth/keystone.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "agent/auth/keystone_client.h"
#include "agent/auth/single_flight.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::auth {
namespace {

namespace asio = boost::asio;

// A Fernet token has about 200 characters, a JWS one under 1000. Longer ones are not worth a question.
constexpr std::size_t LongestToken = 8192;

Error unauthenticated(std::string why) { return {Code::Unauthenticated, std::move(why), {}}; }

/// As the roles of a token are kept.
std::vector<std::string> in_lower_case(std::vector<std::string> names) {
    for (std::string& name : names) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    return names;
}

class KeystoneAuthenticator final : public Authenticator {
public:
    KeystoneAuthenticator(const config::Keystone& config, std::unique_ptr<KeystoneClient> client, const Clock& clock,
                          std::function<SteadyTime()> steady)
        : life_(config.token_cache),
          service_roles_(in_lower_case(config.service_token_roles)),
          client_(std::move(client)),
          clock_(clock),
          steady_(std::move(steady)),
          good_(static_cast<std::size_t>(life_.entries)),
          // Of its own, or a flood of invented tokens would push the good ones out.
          refused_(static_cast<std::size_t>(life_.entries)) {}

    asio::awaitable<Result<core::Caller>> authenticate(const api::Request& request, const http::Peer&) override {
        const std::string* const token = request.header("X-Auth-Token");
        if (token == nullptr || token->empty()) co_return unauthenticated("no token");
        const std::string* const service = request.header("X-Service-Token");
        Expired expired = Expired::Refused;
        if (service == nullptr || service->empty()) {
            // Nearly every request: no second coroutine for it.
            const auto digest = crypto::sha256(bytes_of(*token));
            if (!digest) co_return digest.error();
            if (const auto known = good_.find(*digest, steady_())) co_return **known;
        } else {
            const auto holder = co_await holder_of(*service, Expired::Refused);
            if (!holder) co_return holder.error();
            if (vouches((*holder)->roles)) expired = Expired::Allowed;
        }
        const auto caller = co_await holder_of(*token, expired);
        if (!caller) co_return caller.error();
        co_return **caller;
    }

private:
    using Expired = KeystoneClient::Expired;

    bool vouches(const std::vector<std::string>& roles) const {
        return std::ranges::any_of(roles, [this](const std::string& role) {
            return std::ranges::find(service_roles_, role) != service_roles_.end();
        });
    }

    /// From the cache, or by asking Keystone. `token` lives as long as the request.
    asio::awaitable<Result<TokenCache::Answer>> holder_of(const std::string& token, Expired expired) {
        if (token.size() > LongestToken) co_return unauthenticated("no token is that long");
        auto digest = crypto::sha256(bytes_of(token));
        if (!digest) co_return digest.error();
        const SteadyTime now = steady_();
        if (const auto known = good_.find(*digest, now)) co_return *known;
        if (expired == Expired::Allowed) {
            // Another question, whose answers must not be taken for those of the first.
            for (std::byte& byte : *digest) byte = ~byte;
            if (const auto known = good_.find(*digest, now)) co_return *known;
        }
        if (refused_.find(*digest, now)) co_return unauthenticated("the token is not known");

        auto secret = SecureBytes::copy_of(bytes_of(token));
        if (!secret) co_return std::move(secret).error();
        // The request may go before the answer comes, if another one asks for the same token: this one owns its copy.
        auto answer = co_await questions_.run(
            *digest, [this, &secret, &digest, expired] { return ask(*secret, *digest, expired); });
        co_return answer;
    }

    asio::awaitable<Result<TokenCache::Answer>> ask(const SecureBytes& token, const TokenDigest& digest,
                                                    Expired expired) {
        auto facts = co_await client_->validate(token, expired);
        const SteadyTime now = steady_();
        if (facts) {
            std::chrono::steady_clock::duration life = std::chrono::seconds(life_.seconds);
            if (expired == Expired::Refused) {
                const auto rest = facts->expires - clock_.now();
                life = std::min(life, std::chrono::duration_cast<std::chrono::steady_clock::duration>(rest));
            }
            auto caller = std::make_shared<const core::Caller>(std::move(facts->caller));
            good_.put(digest, caller, now + life);
            co_return caller;
        }
        if (facts.error().code == Code::Unauthenticated) {
            refused_.put(digest, nullptr, now + std::chrono::seconds(life_.negative_seconds));
        } else {
            log_warning("a token could not be validated: {}", facts.error().detail);
        }
        co_return std::move(facts).error();
    }

    const config::TokenCache life_;
    const std::vector<std::string> service_roles_;
    const std::unique_ptr<KeystoneClient> client_;
    const Clock& clock_;
    const std::function<SteadyTime()> steady_;
    TokenCache good_;
    TokenCache refused_;
    SingleFlight<TokenDigest, TokenCache::Answer, TokenDigestHash> questions_;
};

}  // namespace

Result<std::unique_ptr<Authenticator>> make_keystone(const config::Keystone& config, const Clock& clock,
                                                     std::function<SteadyTime()> steady) {
    auto client = TRY(KeystoneClient::make(config, clock));
    return std::unique_ptr<Authenticator>(
        std::make_unique<KeystoneAuthenticator>(config, std::move(client), clock, std::move(steady)));
}

}  // namespace sallyport::auth
