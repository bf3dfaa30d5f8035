#include "agent/auth/peer_credentials.h"

#include <gmock/gmock.h>

#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

using testing::ElementsAre;

http::Peer process(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
    http::Peer peer;
    peer.transport = http::Transport::Unix;
    peer.credentials = http::Peer::Credentials{1, uid, gid, std::move(groups)};
    return peer;
}

config::Peer entry(const std::string& project) {
    config::Peer peer;
    peer.project = project;
    peer.roles = {"observer"};
    return peer;
}

Result<core::Caller> known(const std::vector<config::Peer>& peers, const http::Peer& peer) {
    return run_coroutine(make_peer_credentials(peers)->authenticate({}, peer));
}

TEST(PeerCredentials, KnowsAProcessByItsUser) {
    config::Peer peer = entry("p");
    peer.uid = 1000;
    const auto caller = known({peer}, process(1000, 5));
    ASSERT_TRUE(caller.has_value());
    EXPECT_EQ(caller->project.str(), "p");
    EXPECT_EQ(caller->user.str(), "uid:1000");
    EXPECT_THAT(caller->roles, ElementsAre("observer"));
    EXPECT_EQ(known({peer}, process(1001, 1000)).error().code, Code::Unauthenticated);
}

TEST(PeerCredentials, KnowsAProcessByAnyOfItsGroups) {
    config::Peer peer = entry("p");
    peer.gid = 7;
    EXPECT_TRUE(known({peer}, process(1000, 7)).has_value());
    EXPECT_TRUE(known({peer}, process(1000, 5, {3, 7})).has_value());
    EXPECT_FALSE(known({peer}, process(7, 5, {3, 8})).has_value());
}

TEST(PeerCredentials, LooksUpNames) {
    config::Peer user = entry("p");
    user.user = "root";
    config::Peer group = entry("p");
    group.group = "root";
    EXPECT_TRUE(known({user}, process(0, 5)).has_value());
    EXPECT_FALSE(known({user}, process(5, 0)).has_value());
    EXPECT_TRUE(known({group}, process(5, 0)).has_value());
    EXPECT_FALSE(known({group}, process(0, 5)).has_value());
}

TEST(PeerCredentials, NeverTakesANameThatIsNotThereForSomebody) {
    config::Peer user = entry("p");
    user.user = "no-such-user";
    config::Peer group = entry("p");
    group.group = "no-such-group";
    EXPECT_FALSE(known({user, group}, process(0, 0, {0})).has_value());
}

TEST(PeerCredentials, TakesTheFirstEntryThatFits) {
    config::Peer first = entry("first");
    first.gid = 7;
    config::Peer second = entry("second");
    second.uid = 1000;
    EXPECT_EQ(known({first, second}, process(1000, 7))->project.str(), "first");
    EXPECT_EQ(known({second, first}, process(1000, 7))->project.str(), "second");
}

TEST(PeerCredentials, RefusesWhoComesOverTcp) {
    config::Peer peer = entry("p");
    peer.uid = 0;
    EXPECT_EQ(known({peer}, http::Peer{}).error().code, Code::Unauthenticated);
}

}  // namespace
}  // namespace sallyport::auth
