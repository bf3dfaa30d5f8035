#include "agent/auth/authenticators.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_keystone.h"
#include "tests/unit/agent/auth/keystone_config.h"
#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

using testing::ElementsAre;

http::Peer root_on_a_socket() {
    http::Peer peer;
    peer.transport = http::Transport::Unix;
    peer.credentials = http::Peer::Credentials{1, 0, 0, {}};
    return peer;
}

config::Auth with_peers() {
    config::Auth auth;
    config::Peer peer;
    peer.uid = 0;
    peer.project = "node";
    peer.roles = {"admin"};
    auth.peers = {peer};
    return auth;
}

Result<core::Caller> ask(const config::Auth& auth, std::vector<api::Header> headers, const http::Peer& peer) {
    auto authenticator = make_authenticator(auth, system_clock());
    if (!authenticator) return std::move(authenticator).error();
    api::Request request;
    request.headers = std::move(headers);
    return run_coroutine((*authenticator)->authenticate(request, peer));
}

TEST(Authenticators, LetATokenWinOverTheSocket) {
    fakes::FakeKeystone keystone;
    keystone.add_token("good", {});
    const KeystoneConfig made(keystone.url());
    config::Auth auth = with_peers();
    auth.keystone = made.config;
    EXPECT_EQ(ask(auth, {{"X-Auth-Token", "good"}}, root_on_a_socket())->project.str(), "project-1");
    EXPECT_EQ(ask(auth, {}, root_on_a_socket())->project.str(), "node");
}

TEST(Authenticators, TryNothingElseAfterATokenIsRefused) {
    fakes::FakeKeystone keystone;
    const KeystoneConfig made(keystone.url());
    config::Auth auth = with_peers();
    auth.keystone = made.config;
    auth.insecure_no_auth = true;
    const auto caller = ask(auth, {{"X-Auth-Token", "bad"}, {"X-Project-Id", "p"}}, root_on_a_socket());
    ASSERT_FALSE(caller.has_value());
    EXPECT_EQ(caller.error().code, Code::Unauthenticated);
    EXPECT_FALSE(ask(auth, {{"X-Auth-Token", ""}}, root_on_a_socket()).has_value());
}

TEST(Authenticators, BelieveHeadersOnlyWhereTheyAreBelieved) {
    config::Auth auth = with_peers();
    EXPECT_EQ(ask(auth, {{"X-Project-Id", "p"}}, {}).error().code, Code::Unauthenticated);
    EXPECT_EQ(ask(auth, {{"X-Project-Id", "p"}}, root_on_a_socket())->project.str(), "node");
    auth.insecure_no_auth = true;
    EXPECT_EQ(ask(auth, {{"X-Project-Id", "p"}}, {})->project.str(), "p");
    EXPECT_EQ(ask(auth, {{"X-Project-Id", "p"}}, root_on_a_socket())->project.str(), "p");
    EXPECT_EQ(ask(auth, {}, root_on_a_socket())->project.str(), "node");
    EXPECT_EQ(ask(auth, {}, {}).error().code, Code::InvalidInput);
}

TEST(Authenticators, RefuseWhoShowsNothing) {
    fakes::FakeKeystone keystone;
    const KeystoneConfig made(keystone.url());
    config::Auth auth;
    auth.keystone = made.config;
    EXPECT_EQ(ask(auth, {}, {}).error().code, Code::Unauthenticated);
    EXPECT_EQ(ask(auth, {}, root_on_a_socket()).error().code, Code::Unauthenticated);
    EXPECT_EQ(keystone.validations(), 0);
}

TEST(Authenticators, RefuseAConfigurationThatCannotWork) {
    config::Auth auth;
    auth.keystone = config::Keystone{};
    auth.keystone->url = "http://127.0.0.1:5000/v3";
    auth.keystone->password_file.path = "/nowhere/password";
    EXPECT_THAT(ask(auth, {}, {}).error().message, testing::HasSubstr("/nowhere/password"));
}

TEST(WwwAuthenticateUri, IsTheUrlWithoutItsVersion) {
    config::Auth auth;
    EXPECT_EQ(www_authenticate_uri(auth), "");
    auth.keystone = config::Keystone{};
    for (const char* const url : {"http://127.0.0.1:5000/v3", "http://127.0.0.1:5000/v3/", "http://127.0.0.1:5000"}) {
        auth.keystone->url = url;
        EXPECT_EQ(www_authenticate_uri(auth), "http://127.0.0.1:5000") << url;
    }
    auth.keystone->www_authenticate_uri = "https://public.example.com:5000";
    EXPECT_EQ(www_authenticate_uri(auth), "https://public.example.com:5000");
}

}  // namespace
}  // namespace sallyport::auth
