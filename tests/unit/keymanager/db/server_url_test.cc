#include "keymanager/db/server_url.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "keymanager/base/bytes.h"

namespace sallyport::db {
namespace {

TEST(ServerUrl, IsSqlAlchemys) {
    const auto url =
        parse_server_url("mysql+pymysql://barb%40ican@db.example.com/barbican?charset=utf8&ssl_ca=/etc/ca.pem");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->kind, ServerKind::MariaDb);
    EXPECT_EQ(url->user, "barb@ican");
    ASSERT_EQ(url->hosts.size(), 1u);
    EXPECT_EQ(url->hosts[0].name, "db.example.com");
    EXPECT_EQ(url->hosts[0].port, 3306);
    EXPECT_EQ(url->database, "barbican");
    EXPECT_EQ(url->option("ssl_ca"), "/etc/ca.pem");
    EXPECT_EQ(url->option("ssl_key"), "");
}

TEST(ServerUrl, NamesAnyNumberOfHostsOrASocket) {
    const auto url = parse_server_url("postgresql://u@[::1]:5433,10.0.0.2/keys");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->kind, ServerKind::PostgreSql);
    ASSERT_EQ(url->hosts.size(), 2u);
    EXPECT_EQ(url->hosts[0].name, "::1");
    EXPECT_EQ(url->hosts[0].port, 5433);
    EXPECT_EQ(url->hosts[1].port, 5432);

    const auto local = parse_server_url("mysql://u@/keys?unix_socket=%2Frun%2Fdb.sock");
    ASSERT_TRUE(local) << local.error().message;
    EXPECT_TRUE(local->hosts.empty());
    EXPECT_EQ(local->option("unix_socket"), "/run/db.sock");
}

TEST(ServerUrl, WithAPasswordIsRefusedAndNotRepeated) {
    const auto url = parse_server_url("mysql+pymysql://user:geheim@host/db");
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().code, Code::Refused);
    EXPECT_EQ((url.error().message + url.error().detail).find("geheim"), std::string::npos);
}

TEST(ServerUrl, ThatMakesNoSenseIsInvalid) {
    for (const char* url : {"mysql://host/db", "mysql://u@host", "mysql://u@host/", "mysql://u@host:0/db",
                            "mysql://u@host:70000/db", "mysql://u@host:x/db", "mysql://u@ho st/db",
                            "mysql://u@host,/db", "mysql://u@[::1/db", "mysql://u%zz@host/db", "mysql://u%00@host/db",
                            "mysql://u@host/db?local_infile=1", "mysql://u@host/db?ssl_ca", "postgresql://u@/a/b",
                            "postgresql://u@host/db?options=-c%20x", "postgresql://u@/run/socket/db"}) {
        const auto parsed = parse_server_url(url);
        ASSERT_FALSE(parsed) << url;
        EXPECT_EQ(parsed.error().code, Code::InvalidInput) << url;
    }
}

TEST(ServerUrl, OfAFileIsNone) {
    EXPECT_FALSE(is_server_url("sqlite:////x"));
    EXPECT_FALSE(is_server_url("mysql"));
    EXPECT_FALSE(is_server_url("oracle://u@h/d"));
    EXPECT_TRUE(is_server_url("postgresql+psycopg2://u@h/d"));
}

class PasswordFile : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-password-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string write(const std::string& text, mode_t mode = 0400) {
        const std::string path = folder_ / "password";
        std::ofstream(path) << text;
        chmod(path.c_str(), mode);
        return path;
    }

private:
    std::filesystem::path folder_;
};

TEST_F(PasswordFile, HoldsItInItsFirstLine) {
    const auto password = read_password(write("geheim\nmore"));
    ASSERT_TRUE(password) << password.error().message;
    EXPECT_EQ(text_of(password->reveal()), std::string_view("geheim\0", 7));
    EXPECT_TRUE(read_password("")->empty());
}

TEST_F(PasswordFile, OpenToOthersIsRefused) {
    EXPECT_EQ(read_password(write("geheim", 0640)).error().code, Code::Refused);
}

TEST_F(PasswordFile, WithoutOneIsInvalid) {
    EXPECT_EQ(read_password(write("\ngeheim")).error().code, Code::InvalidInput);
    EXPECT_EQ(read_password("/nonexistent/password").error().code, Code::Io);
}

}  // namespace
}  // namespace sallyport::db
