#include "agent/auth/keystone_client.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "keymanager/base/bytes.h"
#include "tests/fakes/fake_keystone.h"
#include "tests/unit/agent/auth/keystone_config.h"
#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class ManualClock final : public Clock {
public:
    Timestamp now() const override { return time; }
    Timestamp time = *parse_iso8601("2026-06-01T12:00:00Z");
};

class KeystoneClientTest : public testing::Test {
protected:
    Result<TokenFacts> validate(const std::string& token) {
        const SecureBytes secret = *SecureBytes::copy_of(bytes_of(token));
        return run_coroutine(client_->validate(secret));
    }

    fakes::FakeKeystone keystone_;
    KeystoneConfig made_{keystone_.url()};
    ManualClock clock_;
    std::unique_ptr<KeystoneClient> client_ = *KeystoneClient::make(made_.config, clock_);
};

TEST_F(KeystoneClientTest, GivesUserProjectAndRolesOfAGoodToken) {
    keystone_.add_token("good", {.user = "u", .project = "p", .roles = {"Creator", "observer"}});
    const auto facts = validate("good");
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->caller.user.str(), "u");
    EXPECT_EQ(facts->caller.project.str(), "p");
    EXPECT_THAT(facts->caller.roles, ElementsAre("creator", "observer"));
    EXPECT_EQ(facts->caller.system_scope, "");
    EXPECT_EQ(to_iso8601(facts->expires), "2099-01-01T00:00:00");
}

TEST_F(KeystoneClientTest, LogsInOnceForManyQuestions) {
    keystone_.add_token("good", {});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(validate("good").has_value());
    EXPECT_EQ(keystone_.log_ins(), 1);
    EXPECT_THAT(keystone_.last_log_in(), HasSubstr(R"("password":"labpass")"));
    EXPECT_THAT(keystone_.last_log_in(), HasSubstr(R"("scope":{"project":{"name":"service")"));
}

TEST_F(KeystoneClientTest, SaysThatAnUnknownTokenIsUnknown) {
    EXPECT_EQ(validate("unknown").error().code, Code::Unauthenticated);
}

TEST_F(KeystoneClientTest, RefusesATokenWhoseExpiryIsOver) {
    keystone_.add_token("old", {.expires_at = "2026-06-01T12:00:00.000000Z"});
    EXPECT_EQ(validate("old").error().code, Code::Unauthenticated);
}

TEST_F(KeystoneClientTest, LogsInAgainWhenItsOwnTokenIsRefused) {
    keystone_.add_token("good", {});
    ASSERT_TRUE(validate("good").has_value());
    keystone_.revoke_account_tokens();
    EXPECT_TRUE(validate("good").has_value());
    EXPECT_EQ(keystone_.log_ins(), 2);
}

TEST_F(KeystoneClientTest, LogsInAgainBeforeItsOwnTokenExpires) {
    keystone_.add_token("good", {});
    keystone_.account_expires = "2026-06-01T13:00:00.000000Z";  // in an hour
    ASSERT_TRUE(validate("good").has_value());
    clock_.time += 53min;
    ASSERT_TRUE(validate("good").has_value());
    EXPECT_EQ(keystone_.log_ins(), 1);
    clock_.time += 2min;
    ASSERT_TRUE(validate("good").has_value());
    EXPECT_EQ(keystone_.log_ins(), 2);
}

TEST_F(KeystoneClientTest, IsUnavailableWhenItsOwnAccountIsRefused) {
    keystone_.account_password = "other";
    keystone_.add_token("good", {});
    EXPECT_EQ(validate("good").error().code, Code::Unavailable);
}

TEST_F(KeystoneClientTest, IsUnavailableWhenKeystoneIsDown) {
    keystone_.add_token("good", {});
    ASSERT_TRUE(validate("good").has_value());
    keystone_.stop();
    EXPECT_EQ(validate("good").error().code, Code::Unavailable);
}

struct Breakage {
    int status;
    const char* body;
};
class KeystoneBroken : public KeystoneClientTest, public testing::WithParamInterface<Breakage> {};

TEST_P(KeystoneBroken, IsUnavailableAndNeverBelieved) {
    keystone_.add_token("good", {});
    ASSERT_TRUE(validate("good").has_value());
    keystone_.break_with(GetParam().status, GetParam().body);
    const auto facts = validate("good");
    ASSERT_FALSE(facts.has_value());
    EXPECT_EQ(facts.error().code, Code::Unavailable);
    keystone_.break_with(0, "");
    EXPECT_TRUE(validate("good").has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Answers, KeystoneBroken,
    testing::Values(Breakage{500, "oops"}, Breakage{503, "{}"}, Breakage{403, "{}"}, Breakage{300, "{}"},
                    Breakage{201, R"({"token":{"user":{"id":"u"},"expires_at":"2099-01-01T00:00:00Z"}})"},
                    Breakage{200, ""}, Breakage{200, "<html>"}, Breakage{200, "{}"}, Breakage{200, R"({"token":7})"},
                    Breakage{200, R"({"token":{"user":{"id":"u"}}})"},
                    Breakage{200, R"({"token":{"user":{"id":""},"expires_at":"2099-01-01T00:00:00Z"}})"},
                    Breakage{200, R"({"token":{"user":{"id":"u"},"expires_at":"soon"}})"}));

TEST(KeystoneClientMake, RefusesWhatCannotWork) {
    const KeystoneConfig empty("http://127.0.0.1:1/v3", "\n");
    EXPECT_THAT(KeystoneClient::make(empty.config, system_clock()).error().message, HasSubstr("holds no password"));
    const KeystoneConfig url("ftp://127.0.0.1");
    EXPECT_EQ(KeystoneClient::make(url.config, system_clock()).error().code, Code::InvalidInput);
}

TEST(TokenFacts, CountsRolesOfProjectAndSystemOnly) {
    const auto roles_with = [](const std::string& scope) {
        return token_facts_of(R"({"token":{"user":{"id":"u"},)" + scope +
                              R"("roles":[{"name":"admin"}],"expires_at":"2099-01-01T00:00:00Z"}})")
            ->caller;
    };
    EXPECT_THAT(roles_with(R"("project":{"id":"p"},)").roles, ElementsAre("admin"));
    EXPECT_THAT(roles_with(R"("system":{"all":true},)").roles, ElementsAre("admin"));
    EXPECT_EQ(roles_with(R"("system":{"all":true},)").system_scope, "all");
    EXPECT_THAT(roles_with(R"("domain":{"id":"default"},)").roles, IsEmpty());
    EXPECT_THAT(roles_with("").roles, IsEmpty());
}

TEST(LoginBody, HoldsAnyPasswordAsJson) {
    Account account{"", {"Default"}, "service", {{}, "default"}};
    account.username = "<password>\"\\";  // a name that looks like the mark for the password
    const std::string password = "a\"b\\c\n\x01 <password> \xc3\xa9";
    const SecureBytes secret = *SecureBytes::copy_of(bytes_of(password));
    const SecureBytes body = *login_body(account, secret);
    const boost::json::value parsed = boost::json::parse(text_of(body.reveal()));
    const boost::json::value& user = parsed.at("auth").at("identity").at("password").at("user");
    EXPECT_EQ(user.at("password").as_string(), password);
    EXPECT_EQ(user.at("name").as_string(), account.username);
    EXPECT_EQ(user.at("domain").at("name").as_string(), "Default");
    EXPECT_EQ(parsed.at("auth").at("scope").at("project").at("name").as_string(), "service");
}

}  // namespace
}  // namespace sallyport::auth
