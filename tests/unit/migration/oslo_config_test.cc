#include "migration/oslo_config.h"

#include <string>

#include "keymanager/base/bytes.h"
#include "tests/unit/migration/config_folder.h"

namespace sallyport::migration {
namespace {

/// tests/integration/migration/oslo_test.py asks the same of the real oslo.config, and much more.
class OsloConfigTest : public ConfigFolder {
protected:
    OsloConfig config(const std::string& text) const {
        return std::move(OsloConfig::read(write("c.conf", text))).value();
    }
    static std::string text(const OsloConfig& config, std::string_view group, std::string_view name) {
        const auto value = config.text(group, name);
        if (!value) return "error: " + value.error().message;
        return value->value_or("(none)");
    }
};

TEST_F(OsloConfigTest, TheLastFileAndLineWins) {
    const std::vector<std::string> paths{write("1.conf", "[g]\na=1\na=2\nb=3\n"), write("2.conf", "[G]\na=4\n")};
    const auto both = OsloConfig::read(paths);
    ASSERT_TRUE(both) << both.error().message;
    EXPECT_EQ(text(*both, "g", "a"), "4");
    EXPECT_EQ(text(*both, "g", "b"), "3");
    EXPECT_EQ(text(*both, "g", "c"), "(none)");
    EXPECT_EQ(*both->texts("g", "a"), (std::vector<std::string>{"1", "2", "4"}));
    EXPECT_EQ(both->place_of("g", "a")->file, paths[1]);
    EXPECT_EQ(both->place_of("g", "b")->line, 4U);
    EXPECT_FALSE(both->place_of("g", "c"));
}

TEST_F(OsloConfigTest, ADeprecatedNameCountsWhereTheFileHasNoOther) {
    EXPECT_EQ(text(config("[keymgr]\nfixed_key=00\n"), "key_manager", "fixed_key"), "00");
    EXPECT_EQ(text(config("[key_manager]\nfixed_key=11\n[keymgr]\nfixed_key=00\n"), "key_manager", "fixed_key"), "11");
    const std::vector<std::string> paths{write("1.conf", "[key_manager]\nbackend=new\n"),
                                         write("2.conf", "[key_manager]\napi_class=old\n")};
    EXPECT_EQ(text(*OsloConfig::read(paths), "key_manager", "backend"), "old");
}

TEST_F(OsloConfigTest, GroupsHaveNoCaseButDefaultHas) {
    const OsloConfig read = config("[Key_Manager]\na=1\n[default]\nb=2\n");
    EXPECT_EQ(text(read, "key_manager", "a"), "1");
    EXPECT_EQ(text(read, "DEFAULT", "b"), "(none)");
    EXPECT_EQ(text(config("[g]\nmy_name=1\nmy-name=2\n"), "g", "my-name"), "1");
}

TEST_F(OsloConfigTest, ValuesReferToOthers) {
    const OsloConfig read = config(
        "[DEFAULT]\nhost = h1\nname = $host-${host}\nmoney = 5$$ \\$x $ ${\n"
        "[g]\nhost = h2\nurl = mysql://$host/${DEFAULT.name}.\n[database]\nconnection = sqlite:///$state_path/c.db\n");
    EXPECT_EQ(text(read, "DEFAULT", "name"), "h1-h1");
    EXPECT_EQ(text(read, "DEFAULT", "money"), "5$ $x $ ${");
    EXPECT_EQ(text(read, "g", "url"), "mysql://h2/h1-h1.");
    EXPECT_EQ(text(read, "database", "connection"), "sqlite:////var/lib/cinder/c.db");
}

TEST_F(OsloConfigTest, AReferenceToNothingOrToItselfIsAnErrorThatDoesNotQuoteIt) {
    const OsloConfig read = config(
        "[g]\npassword = pa$hush\na = $b\nb = ${a}\nc=$d$d$d$d$d$d$d$d$d$d$d\nd=$e$e$e$e$e$e$e$e$e$e$e\n"
        "e=$f$f$f$f$f$f$f$f$f$f\nf=\n");
    const auto lost = read.secret("g", "password");
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Code::InvalidInput);
    EXPECT_NE(lost.error().message.find("c.conf:2: [g] password "), std::string::npos) << lost.error().message;
    EXPECT_EQ(lost.error().message.find("hush"), std::string::npos) << lost.error().message;
    EXPECT_FALSE(read.text("g", "a"));
    EXPECT_FALSE(read.text("g", "c"));
}

TEST_F(OsloConfigTest, ReadsBooleansAndNumbers) {
    const OsloConfig read = config("[g]\na=Yes\nb=OFF\nc=maybe\nd=+1_000\ne=-7\nf=\ng=1__0\nh=9223372036854775808\n");
    EXPECT_EQ(**read.boolean("g", "a"), true);
    EXPECT_EQ(**read.boolean("g", "b"), false);
    EXPECT_FALSE(read.boolean("g", "c"));
    EXPECT_FALSE(read.boolean("g", "z")->has_value());
    EXPECT_EQ(**read.integer("g", "d"), 1000);
    EXPECT_EQ(**read.integer("g", "e"), -7);
    EXPECT_FALSE(read.integer("g", "f")->has_value());
    for (const char* bad : {"a", "g", "h"}) EXPECT_FALSE(read.integer("g", bad)) << bad;
}

TEST_F(OsloConfigTest, SecretsStayWhereTheyAre) {
    const OsloConfig read = config("[key_manager]\nfixed_key = 00ff\n[keymgr]\nfixed_key = 11ee\n");
    EXPECT_EQ(text_of((*read.secret("key_manager", "fixed_key"))->reveal()), "00ff");
    const auto all = read.secrets("key_manager", "fixed_key");
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[0].place.line, 4U);
    EXPECT_EQ((*all)[1].place.line, 2U);
}

TEST_F(OsloConfigTest, AFileThatIsMissingOrBrokenIsNamed) {
    EXPECT_EQ(OsloConfig::read(path("none")).error().code, Code::NotFound);
    const auto broken = OsloConfig::read(write("broken.conf", "[g\n"));
    EXPECT_NE(broken.error().message.find("broken.conf:1: "), std::string::npos) << broken.error().message;
}

}  // namespace
}  // namespace sallyport::migration
