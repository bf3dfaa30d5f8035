#include "agent/auth/keystone.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/fakes/fake_keystone.h"
#include "tests/unit/agent/auth/keystone_config.h"
#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

using testing::Each;
using namespace std::chrono_literals;

class ManualClock final : public Clock {
public:
    Timestamp now() const override { return time; }
    Timestamp time = *parse_iso8601("2026-06-01T12:00:00Z");
};

/// "ok", or the name of the error's code.
std::string outcome_of(const Result<core::Caller>& caller) {
    return caller ? "ok" : std::string(name_of(caller.error().code));
}

class KeystoneTest : public testing::Test {
protected:
    std::string ask(const std::string& token, const std::string& service_token = {}) {
        api::Request request;
        request.headers = {{"X-Auth-Token", token}};
        if (!service_token.empty()) request.headers.emplace_back("X-Service-Token", service_token);
        return outcome_of(run_coroutine(authenticator_->authenticate(request, {})));
    }
    void pass(std::chrono::seconds time) {
        clock_.time += time;
        steady_ += time;
    }

    fakes::FakeKeystone keystone_;
    KeystoneConfig made_{keystone_.url()};
    ManualClock clock_;
    SteadyTime steady_{1000s};
    std::unique_ptr<Authenticator> authenticator_ = *make_keystone(made_.config, clock_, [this] { return steady_; });
};

TEST_F(KeystoneTest, AsksOnceForATokenWithinItsLifeInTheCache) {
    keystone_.add_token("good", {.user = "u", .project = "p"});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("good"), "ok");
    EXPECT_EQ(keystone_.validations(), 1);
    pass(60s);
    EXPECT_EQ(ask("good"), "ok");
    EXPECT_EQ(keystone_.validations(), 2);
}

TEST_F(KeystoneTest, RefusesARevokedTokenAfterTheCachesLife) {
    keystone_.add_token("good", {});
    EXPECT_EQ(ask("good"), "ok");
    keystone_.revoke("good");
    pass(59s);
    EXPECT_EQ(ask("good"), "ok");
    pass(1s);
    EXPECT_EQ(ask("good"), "Unauthenticated");
}

TEST_F(KeystoneTest, NeverBelievesATokenBeyondItsExpiry) {
    keystone_.add_token("short", {.expires_at = "2026-06-01T12:00:10Z"});
    EXPECT_EQ(ask("short"), "ok");
    pass(9s);
    EXPECT_EQ(ask("short"), "ok");
    EXPECT_EQ(keystone_.validations(), 1);
    pass(1s);
    EXPECT_EQ(ask("short"), "Unauthenticated");
}

TEST_F(KeystoneTest, LetsAServiceGoOnWithItsUsersTokenAfterThatHasExpired) {
    keystone_.add_token("old", {.expires_at = "2026-06-01T11:00:00Z", .is_expired = true});
    keystone_.add_token("cinder", {.user = "cinder", .roles = {"Service"}});
    keystone_.add_token("creator", {.user = "somebody"});
    EXPECT_EQ(ask("old"), "Unauthenticated");
    EXPECT_EQ(ask("old", "cinder"), "ok");
    EXPECT_EQ(ask("old", "cinder"), "ok");  // from the cache
    EXPECT_EQ(keystone_.validations(), 3);
    // Not without the service's own, and not with anybody's.
    EXPECT_EQ(ask("old"), "Unauthenticated");
    EXPECT_EQ(ask("old", "creator"), "Unauthenticated");
    pass(60s);
    keystone_.revoke("old");
    EXPECT_EQ(ask("old", "cinder"), "Unauthenticated");
}

TEST_F(KeystoneTest, ABadServiceTokenSpoilsAGoodToken) {
    keystone_.add_token("good", {});
    keystone_.add_token("creator", {});
    EXPECT_EQ(ask("good", "invented"), "Unauthenticated");
    EXPECT_EQ(ask("good", std::string(9000, 'x')), "Unauthenticated");
    EXPECT_EQ(ask("good", "creator"), "ok");
    EXPECT_EQ(ask("good"), "ok");
}

TEST_F(KeystoneTest, RemembersARefusalBriefly) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("later"), "Unauthenticated");
    EXPECT_EQ(keystone_.validations(), 1);
    keystone_.add_token("later", {});
    EXPECT_EQ(ask("later"), "Unauthenticated");
    pass(10s);
    EXPECT_EQ(ask("later"), "ok");
}

TEST_F(KeystoneTest, KeepsGoodTokensInAFloodOfInventedOnes) {
    made_.config.token_cache.entries = 4;
    authenticator_ = *make_keystone(made_.config, clock_, [this] { return steady_; });
    keystone_.add_token("good", {});
    EXPECT_EQ(ask("good"), "ok");
    for (int i = 0; i < 50; ++i) EXPECT_EQ(ask("invented-" + std::to_string(i)), "Unauthenticated");
    const int before = keystone_.validations();
    EXPECT_EQ(ask("good"), "ok");
    EXPECT_EQ(keystone_.validations(), before);
}

TEST_F(KeystoneTest, LetsCachedTokensWorkWhileKeystoneIsAway) {
    keystone_.add_token("good", {});
    keystone_.add_token("new", {});
    EXPECT_EQ(ask("good"), "ok");
    keystone_.stop();
    EXPECT_EQ(ask("good"), "ok");
    EXPECT_EQ(ask("new"), "Unavailable");
    pass(60s);
    EXPECT_EQ(ask("good"), "Unavailable");
}

TEST_F(KeystoneTest, DoesNotTakeATroubleForARefusal) {
    keystone_.add_token("good", {});
    keystone_.break_with(500, "oops");
    EXPECT_EQ(ask("good"), "Unavailable");
    keystone_.break_with(0, "");
    EXPECT_EQ(ask("good"), "ok");
}

TEST_F(KeystoneTest, GivesUpOnAKeystoneThatDoesNotAnswer) {
    made_.config.timeout_seconds = 1;
    authenticator_ = *make_keystone(made_.config, clock_, [this] { return steady_; });
    keystone_.add_token("good", {});
    keystone_.hold();
    EXPECT_EQ(ask("good"), "Unavailable");
    keystone_.release();
    EXPECT_EQ(ask("good"), "ok");
}

TEST_F(KeystoneTest, AsksOnceForATokenThatManyShowAtTheSameTime) {
    keystone_.add_token("good", {});
    keystone_.add_token("first", {});
    ASSERT_EQ(ask("first"), "ok");  // so that the log-in is done
    keystone_.hold();
    std::vector<std::string> outcomes;
    const http::Peer peer;  // named: g++ 12 destroys temporaries of a co_await expression twice
    api::Request request;
    request.headers = {{"X-Auth-Token", "good"}};
    for (int i = 0; i < 20; ++i) {
        boost::asio::co_spawn(
            test_loop(),
            [&]() -> boost::asio::awaitable<void> {
                auto caller = co_await authenticator_->authenticate(request, peer);
                outcomes.push_back(outcome_of(caller));
            },
            boost::asio::detached);
    }
    test_loop().restart();
    std::thread runner([] { test_loop().run(); });
    keystone_.wait_until_held(1);
    keystone_.release();
    runner.join();
    EXPECT_EQ(outcomes.size(), 20U);
    EXPECT_THAT(outcomes, Each("ok"));
    EXPECT_EQ(keystone_.validations(), 2);
}

TEST_F(KeystoneTest, AsksNothingAboutWhatCannotBeAToken) {
    EXPECT_EQ(ask(""), "Unauthenticated");
    EXPECT_EQ(ask(std::string(8193, 'x')), "Unauthenticated");
    EXPECT_EQ(keystone_.log_ins(), 0);
    EXPECT_EQ(keystone_.validations(), 0);
}

}  // namespace
}  // namespace sallyport::auth
