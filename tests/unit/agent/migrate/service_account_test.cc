#include "agent/migrate/service_account.h"

#include <gtest/gtest.h>

#include <string>

#include "keymanager/base/bytes.h"

namespace sallyport::migrate {
namespace {

constexpr std::string_view Whole =
    "[keystone_authtoken]\nauth_url = http://keystone:5000/\nusername = cinder\npassword = pa$$word\n"
    "project_name = service\nuser_domain_name = Default\nproject_domain_id = default\ncafile = /ca.pem\n"
    "[barbican]\nverify_ssl_path = /barbican.pem\n";

Result<ServiceAccount> account_of(std::string_view text) {
    std::vector<migration::IniFile> files;
    const SecureBytes locked = TRY(SecureBytes::copy_of(bytes_of(text)));
    files.push_back(TRY(migration::IniFile::parse(locked, "cinder.conf")));
    return service_account(migration::OsloConfig(std::move(files)));
}

TEST(ServiceAccount, IsCindersOwn) {
    const auto account = account_of(Whole);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->keystone_url, "http://keystone:5000/v3");
    EXPECT_EQ(account->keystone_ca, "/ca.pem");
    EXPECT_EQ(account->barbican_ca, "/barbican.pem");
    EXPECT_EQ(account->account.username, "cinder");
    EXPECT_EQ(account->account.user_domain.name, "Default");
    EXPECT_EQ(account->account.project_domain.id, "default");
    EXPECT_EQ(text_of(account->password.reveal()), "pa$word");
}

TEST(ServiceAccount, MayStandInAnotherSection) {
    const auto account = account_of(
        "[keystone_authtoken]\nauth_section = service\n[service]\nauth_url=http://k/identity/v3\nuser-name=c\n"
        "username=cinder\npassword=x\nproject_name=p\n");
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->keystone_url, "http://k/identity/v3");
    EXPECT_EQ(account->account.user_domain.id, "default");
}

TEST(ServiceAccount, SaysWhatIsMissing) {
    for (const char* option : {"auth_url", "username", "password", "project_name"}) {
        std::string text(Whole);
        text.erase(text.find(option), text.find('\n', text.find(option)) + 1 - text.find(option));
        const auto account = account_of(text);
        ASSERT_FALSE(account) << option;
        EXPECT_EQ(account.error().code, Code::InvalidInput);
        EXPECT_NE(account.error().message.find(option), std::string::npos) << account.error().message;
    }
}

}  // namespace
}  // namespace sallyport::migrate
