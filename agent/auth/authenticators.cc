#include "agent/auth/authenticators.h"

#include <string_view>
#include <utility>

#include "agent/auth/keystone.h"
#include "agent/auth/no_auth.h"
#include "agent/auth/peer_credentials.h"

namespace sallyport::auth {
namespace {

namespace asio = boost::asio;

/// What there is to say when nothing that was shown counts.
class Nobody final : public Authenticator {
public:
    asio::awaitable<Result<core::Caller>> authenticate(const api::Request&, const http::Peer&) override {
        co_return Error{Code::Unauthenticated, "no credentials", {}};
    }
};

class Chain final : public Authenticator {
public:
    Chain(std::unique_ptr<Authenticator> keystone, std::unique_ptr<Authenticator> no_auth,
          std::unique_ptr<Authenticator> peers)
        : keystone_(std::move(keystone)), no_auth_(std::move(no_auth)), peers_(std::move(peers)) {}

    // Not a coroutine: it hands on the one that it picks, so the hot path pays for one frame only.
    asio::awaitable<Result<core::Caller>> authenticate(const api::Request& request, const http::Peer& peer) override {
        return pick(request, peer).authenticate(request, peer);
    }

private:
    Authenticator& pick(const api::Request& request, const http::Peer& peer) {
        if (keystone_ && request.header("X-Auth-Token") != nullptr) return *keystone_;
        const bool may_be_peer = peers_ != nullptr && peer.credentials.has_value();
        if (no_auth_ && (request.header("X-Project-Id") != nullptr || !may_be_peer)) return *no_auth_;
        if (may_be_peer) return *peers_;
        return nobody_;
    }

    const std::unique_ptr<Authenticator> keystone_;
    const std::unique_ptr<Authenticator> no_auth_;
    const std::unique_ptr<Authenticator> peers_;
    Nobody nobody_;
};

}  // namespace

Result<std::unique_ptr<Authenticator>> make_authenticator(const config::Auth& config, const Clock& clock) {
    std::unique_ptr<Authenticator> keystone;
    if (config.keystone) keystone = TRY(make_keystone(*config.keystone, clock));
    return std::unique_ptr<Authenticator>(
        std::make_unique<Chain>(std::move(keystone), config.insecure_no_auth ? make_no_auth() : nullptr,
                                config.peers.empty() ? nullptr : make_peer_credentials(config.peers)));
}

std::string www_authenticate_uri(const config::Auth& config) {
    if (!config.keystone) return {};
    if (!config.keystone->www_authenticate_uri.empty()) return config.keystone->www_authenticate_uri;
    // keystonemiddleware names the endpoint without its version: clients discover that.
    std::string_view url = config.keystone->url;
    while (url.ends_with('/')) url.remove_suffix(1);
    if (url.ends_with("/v3")) url.remove_suffix(3);
    return std::string(url);
}

}  // namespace sallyport::auth
