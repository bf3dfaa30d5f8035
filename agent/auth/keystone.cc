#include "agent/auth/keystone.h"

#include <algorithm>
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

class KeystoneAuthenticator final : public Authenticator {
public:
    KeystoneAuthenticator(const config::TokenCache& life, std::unique_ptr<KeystoneClient> client, const Clock& clock,
                          std::function<SteadyTime()> steady)
        : life_(life),
          client_(std::move(client)),
          clock_(clock),
          steady_(std::move(steady)),
          good_(static_cast<std::size_t>(life.entries)),
          // Of its own, or a flood of invented tokens would push the good ones out.
          refused_(static_cast<std::size_t>(life.entries)) {}

    asio::awaitable<Result<core::Caller>> authenticate(const api::Request& request, const http::Peer&) override {
        const std::string* const token = request.header("X-Auth-Token");
        if (token == nullptr || token->empty()) co_return unauthenticated("no token");
        if (token->size() > LongestToken) co_return unauthenticated("no token is that long");
        const auto digest = crypto::sha256(bytes_of(*token));
        if (!digest) co_return digest.error();

        const SteadyTime now = steady_();
        if (const auto known = good_.find(*digest, now)) co_return **known;
        if (refused_.find(*digest, now)) co_return unauthenticated("the token is not known");

        auto secret = SecureBytes::copy_of(bytes_of(*token));
        if (!secret) co_return std::move(secret).error();
        // The request may go before the answer comes, if another one asks for the same token: this one owns its copy.
        auto answer = co_await questions_.run(*digest, [this, &secret, &digest] { return ask(*secret, *digest); });
        if (!answer) co_return std::move(answer).error();
        co_return **answer;
    }

private:
    asio::awaitable<Result<TokenCache::Answer>> ask(const SecureBytes& token, const TokenDigest& digest) {
        auto facts = co_await client_->validate(token);
        const SteadyTime now = steady_();
        if (facts) {
            const auto rest =
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(facts->expires - clock_.now());
            const auto life = std::min<std::chrono::steady_clock::duration>(std::chrono::seconds(life_.seconds), rest);
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
        std::make_unique<KeystoneAuthenticator>(config.token_cache, std::move(client), clock, std::move(steady)));
}

}  // namespace sallyport::auth
