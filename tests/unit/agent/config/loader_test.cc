#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "tests/unit/agent/config/temporary_folder.h"

namespace sallyport::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Reads configurations whose KEK file exists and is well kept.
class Loader : public testing::Test {
protected:
    /// A good configuration with lines of its own after the first five.
    std::string with(const std::string& lines) const {
        return fmt::format(
                   "listen: [{{unix: {}/agent.sock}}]\n"
                   "database: sqlite://\n"
                   "secret_stores:\n"
                   "  - {{type: simple_crypto, kek_files: [{}]}}\n"
                   "auth: {{peers: [{{uid: 0, project: node, roles: [admin]}}]}}\n",
                   folder_.path(), kek_) +
               lines;
    }
    static std::vector<std::string> problems(const std::string& yaml) {
        std::vector<std::string> texts;
        for (const Problem& problem : check_text(yaml, "agent.yaml").problems) texts.push_back(problem.text());
        return texts;
    }
    static std::vector<std::string> warnings(const std::string& yaml) {
        std::vector<std::string> texts;
        for (const Problem& warning : check_text(yaml, "agent.yaml").warnings) texts.push_back(warning.text());
        return texts;
    }

    TemporaryFolder folder_;
    std::string kek_ = folder_.file("kek", "x", 0400);
};

TEST_F(Loader, ReadsAGoodFileIntoItsStructs) {
    const std::string secret = folder_.file("password", "x");
    const Checked checked = check_text(with(fmt::format(R"(
roles: [keymanager, objects]
host_href: https://keys.example.com:9311
database_sessions: 2
policy_file: {}
new_rbac_defaults: true
limits: {{secret_bytes: 30000, request_bytes: 40000}}
objects:
  listen: 127.0.0.1:8099
  upstream: {{type: directory, path: /srv/objects}}
  project: store
  root_secrets: {{"": 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11, "2027": 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55}}
  active_root_secret: "2027"
  meta_version: 3
volumes: {{unlock_profile: passphrase}}
hypervisor: {{uri: "qemu:///session"}}
server: {{threads: 2, idle_seconds: 5}}
lanes: {{keys: {{threads: 8, queue: 9}}}}
secure_memory: {{bytes: 4194304}}
log: {{level: debug, format: json}}
)",
                                                        secret)),
                                       "agent.yaml");
    ASSERT_THAT(checked.problems, IsEmpty());
    const Config& config = checked.config;
    EXPECT_TRUE(config.has_role(Role::Objects));
    EXPECT_FALSE(config.has_role(Role::Volumes));
    ASSERT_NE(config.unix_listener(), nullptr);
    EXPECT_EQ(config.unix_listener()->unix_path, folder_.path() + "/agent.sock");
    EXPECT_EQ(config.unix_listener()->mode, 0660U);
    EXPECT_EQ(config.host_href, "https://keys.example.com:9311");
    EXPECT_EQ(config.database_sessions, 2);
    ASSERT_EQ(config.secret_stores.size(), 1U);
    EXPECT_EQ(config.secret_stores[0].kek_files[0].path, kek_);
    EXPECT_EQ(config.secret_stores[0].envelope, store::Envelope::Bound);
    EXPECT_EQ(config.limits.secret_bytes, 30000);
    ASSERT_TRUE(config.objects.has_value());
    EXPECT_EQ(config.objects->listen, (TcpAddress{"127.0.0.1", 8099}));
    EXPECT_EQ(config.objects->root_secrets.at("2027"), "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55");
    EXPECT_EQ(config.volumes.unlock_profile, UnlockProfile::Passphrase);
    EXPECT_EQ(config.server.idle_seconds, 5);
    EXPECT_EQ(config.server.connections, 1024);
    EXPECT_EQ(config.lanes.keys.queue, 9);
    EXPECT_EQ(config.lanes.volumes.threads, 1);
    EXPECT_EQ(config.log.format, LogFormat::Json);
}

TEST_F(Loader, ReadsKeystoneAndPeers) {
    const std::string secret = folder_.file("password", "x");
    const Checked checked = check_text(fmt::format(R"(
listen: [{{tcp: "[::1]:9311"}}]
database: sqlite://
secret_stores: [{{type: simple_crypto, kek_files: [{}], envelope: barbican}}]
auth:
  keystone: {{url: "http://127.0.0.1:5000/v3", username: barbican, password_file: {}, token_cache: {{seconds: 5}}}}
  peers: [{{gid: 7, project: p, roles: [creator, observer]}}]
)",
                                                   kek_, secret),
                                       "agent.yaml");
    ASSERT_THAT(checked.problems, IsEmpty());
    ASSERT_TRUE(checked.config.auth.keystone.has_value());
    EXPECT_EQ(checked.config.auth.keystone->token_cache.seconds, 5);
    EXPECT_EQ(checked.config.auth.keystone->token_cache.entries, 10000);
    EXPECT_EQ(checked.config.auth.peers.at(0).gid, 7);
    EXPECT_THAT(checked.config.auth.peers.at(0).roles, ElementsAre("creator", "observer"));
    EXPECT_EQ(checked.config.listen.at(0).tcp->host, "::1");
    EXPECT_EQ(checked.config.secret_stores[0].envelope, store::Envelope::Barbican);
}

TEST_F(Loader, NamesFileAndLineOfAnUnknownOptionAndGuessesWhatWasMeant) {
    EXPECT_THAT(problems(with("limits: {secret_byte: 1}\n")),
                ElementsAre("agent.yaml:6: limits.secret_byte: unknown option; did you mean secret_bytes?"));
    EXPECT_THAT(problems(with("log:\n  colour: red\n")),
                ElementsAre("agent.yaml:7: log.colour: unknown option; expected one of level, format"));
}

TEST_F(Loader, KnowsNoOptionOfAFeatureThatIsNotThere) {
    EXPECT_THAT(problems(with("quotas: {secrets: 1}\n")),
                ElementsAre(HasSubstr("agent.yaml:6: quotas: unknown option")));
}

/// Each kind of ill-typed value, and what the message must say was expected.
struct BadValue {
    const char* yaml;
    const char* message;
};
class LoaderRefuses : public Loader, public testing::WithParamInterface<BadValue> {};

TEST_P(LoaderRefuses, WithFileLineAndWhatWasExpected) {
    EXPECT_THAT(problems(with(GetParam().yaml)), ElementsAre(std::string("agent.yaml:") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    BadValues, LoaderRefuses,
    testing::Values(
        BadValue{"database_sessions: many\n",
                 "6: database_sessions: expected an integer from 1 to 1000, found \"many\""},
        BadValue{"database_sessions: 0\n", "6: database_sessions: expected an integer from 1 to 1000, found \"0\""},
        BadValue{"database_sessions: 4.5\n", "6: database_sessions: expected an integer from 1 to 1000, found \"4.5\""},
        BadValue{"database_sessions: 99999999999999999999\n",
                 "6: database_sessions: expected an integer from 1 to 1000, found \"99999999999999999999\""},
        BadValue{"database_sessions: [4]\n", "6: database_sessions: expected an integer from 1 to 1000, found a list"},
        BadValue{"database_sessions:\n", "6: database_sessions: expected an integer from 1 to 1000, found nothing"},
        BadValue{"new_rbac_defaults: yes\n", "6: new_rbac_defaults: expected true or false, found \"yes\""},
        BadValue{"new_rbac_defaults: \"true\"\n", "6: new_rbac_defaults: expected true or false, found \"true\""},
        BadValue{"log: {level: loud}\n", "6: log.level: expected one of debug, info, warning, error, found \"loud\""},
        BadValue{"log:\n", "6: log: expected a mapping of options, found nothing"},
        BadValue{"log: text\n", "6: log: expected a mapping of options, found \"text\""},
        BadValue{
            "roles: keymanager\n",
            "6: roles: expected a list, each one of keymanager, objects, volumes, hypervisor, found \"keymanager\""},
        BadValue{"roles: [keymanager, cook]\n",
                 "6: roles: expected one of keymanager, objects, volumes, hypervisor, found \"cook\""},
        BadValue{"host_href: keys.example.com\n",
                 "6: host_href: expected a URL (http:// or https://), found \"keys.example.com\""},
        BadValue{"policy_file: /nowhere/policy.yaml\n",
                 "6: policy_file: /nowhere/policy.yaml: No such file or directory"},
        BadValue{"policy_file: /\n", "6: policy_file: /: not a regular file"},
        BadValue{"secure_memory: {bytes: 3000000}\n",
                 "6: secure_memory.bytes: expected a power of two, such as 16777216"},
        BadValue{"limits: {secret_bytes: 30000}\n", "6: limits.request_bytes: expected at least secret_bytes"},
        BadValue{"images: {glance_url: \"http://glance:9292\"}\n",
                 "6: images: expected auth.keystone: Glance asks for its account"},
        BadValue{"? [a]\n: 1\n", "6: expected the name of an option, found a list"},
        BadValue{"log: {level: info}\nlog: {level: info}\n", "7: log: stands twice"},
        BadValue{"log: {level: info\n", "7: this is no YAML: end of map flow not found"}));

TEST_F(Loader, RefusesAnOptionThatIsMissing) {
    EXPECT_THAT(problems("listen: [{tcp: 127.0.0.1:0}]\nsecret_stores: [{type: simple_crypto, kek_files: [" + kek_ +
                         "]}]\nauth: {insecure_no_auth: true}\n"),
                ElementsAre("agent.yaml:1: database: is missing; expected a database URL such as "
                            "sqlite:////var/lib/sallyport/keys.db"));
    EXPECT_THAT(problems(""), ElementsAre(HasSubstr("expected a mapping of options, found nothing")));
}

TEST_F(Loader, RefusesDoorsThatAreNone) {
    const auto door = [&](const std::string& listen) {
        return problems("database: sqlite://\nsecret_stores: [{type: simple_crypto, kek_files: [" + kek_ +
                        "]}]\nauth: {peers: [{uid: 0, project: p, roles: []}]}\nlisten:\n" + listen);
    };
    EXPECT_THAT(door("  - {tcp: 127.0.0.1:1, unix: /a}\n"),
                ElementsAre("agent.yaml:5: listen[0]: expected either tcp or unix"));
    EXPECT_THAT(door("  - {mode: \"0660\"}\n"), ElementsAre("agent.yaml:5: listen[0]: expected either tcp or unix"));
    EXPECT_THAT(door("  - {tcp: localhost}\n"),
                ElementsAre("agent.yaml:5: listen[0].tcp: expected an address and port such as 127.0.0.1:9311 or "
                            "[::1]:9311, found \"localhost\""));
    EXPECT_THAT(door("  - {tcp: ::1:9311}\n"), ElementsAre(HasSubstr("expected an address and port")));
    EXPECT_THAT(door("  - {tcp: 127.0.0.1:70000}\n"), ElementsAre(HasSubstr("expected an address and port")));
    EXPECT_THAT(door("  - {unix: /a, mode: \"9\"}\n"), ElementsAre(HasSubstr("expected an octal file mode")));
    EXPECT_THAT(door("  []\n"), ElementsAre("agent.yaml:4: listen: expected at least one door"));
}

TEST_F(Loader, RefusesASecretFileThatOthersMayRead) {
    const std::string loose = folder_.file("loose", "x", 0440);
    EXPECT_THAT(problems("listen: [{tcp: 127.0.0.1:0}]\ndatabase: sqlite://\nauth: {insecure_no_auth: true}\n"
                         "secret_stores:\n  - type: simple_crypto\n    kek_files:\n      - " +
                         loose + "\n"),
                ElementsAre(AllOf(HasSubstr("secret_stores[0].kek_files: " + loose + ": mode 0440 lets others in"),
                                  HasSubstr("chmod 0400"))));
}

TEST_F(Loader, ReadsNamesAloneWhenFilesAreNotLookedAt) {
    const std::string path = folder_.file("agent.yaml",
                                          "listen: [{unix: /a}]\ndatabase: sqlite://\n"
                                          "secret_stores: [{type: simple_crypto, kek_files: [/nowhere/kek]}]\n"
                                          "auth: {peers: [{uid: 0, project: p, roles: []}]}\n");
    EXPECT_TRUE(load_without_files(path).has_value());
    const Result<Config> loaded = load(path);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_THAT(loaded.error().message, HasSubstr("/nowhere/kek: No such file or directory"));
}

TEST_F(Loader, BelievesStrangersOnLoopbackOnly) {
    const auto at = [&](const std::string& address) {
        return "database: sqlite://\nsecret_stores: [{type: simple_crypto, kek_files: [" + kek_ +
               "]}]\nauth:\n  insecure_no_auth: true\nlisten: [{tcp: \"" + address + "\"}, {unix: /a}]\n";
    };
    EXPECT_THAT(problems(at("127.0.0.1:1")), IsEmpty());
    EXPECT_THAT(problems(at("[::1]:1")), IsEmpty());
    for (const char* const open : {"0.0.0.0:1", "[::]:1", "*:1", "192.0.2.1:1", "127.evil.example:1"}) {
        EXPECT_THAT(problems(at(open)), ElementsAre(HasSubstr("insecure_no_auth would believe anybody"))) << open;
    }
}

TEST_F(Loader, WarnsOfWhatWeakensSecurity) {
    EXPECT_THAT(warnings(with("secure_memory: {insecure_allow_unlocked_memory: true}\n")),
                ElementsAre(HasSubstr("agent.yaml:6: secure_memory.insecure_allow_unlocked_memory: weakens security")));
    EXPECT_THAT(warnings(with("secure_memory: {insecure_allow_unlocked_memory: false}\n")), IsEmpty());
}

TEST_F(Loader, WantsSomebodyToBeAbleToCall) {
    EXPECT_THAT(
        problems("listen: [{unix: /a}]\ndatabase: sqlite://\nsecret_stores: [{type: simple_crypto, kek_files: [" +
                 kek_ + "]}]\nauth: {}\n"),
        ElementsAre("agent.yaml:4: auth: expected keystone, peers or insecure_no_auth: else nobody could call"));
}

TEST_F(Loader, WantsAPeerToBeNamedInOneWay) {
    const auto peer = [&](const std::string& fields) {
        return problems(
            "listen: [{unix: /a}]\ndatabase: sqlite://\nsecret_stores: [{type: simple_crypto, kek_files: [" + kek_ +
            "]}]\nauth:\n  peers:\n    - {project: p, roles: [admin], " + fields + "}\n");
    };
    EXPECT_THAT(peer("uid: 0"), IsEmpty());
    EXPECT_THAT(peer("user: root"), IsEmpty());
    EXPECT_THAT(peer("uid: 0, gid: 0"),
                ElementsAre("agent.yaml:6: auth.peers[0]: expected exactly one of uid, user, gid, group"));
    EXPECT_THAT(peer("uid: -1"), ElementsAre(HasSubstr("expected an integer from 0 to 4294967295")));
}

TEST_F(Loader, WarnsOfAPeerThatThisMachineDoesNotKnow) {
    EXPECT_THAT(
        warnings("listen: [{unix: /a}]\ndatabase: sqlite://\nsecret_stores: [{type: simple_crypto, kek_files: [" +
                 kek_ + "]}]\nauth: {peers: [{group: no-such-group, project: p, roles: []}]}\n"),
        ElementsAre(HasSubstr("this machine has no group no-such-group")));
}

TEST_F(Loader, WantsTheActiveRootSecretToBeOneOfThem) {
    const auto objects = [&](const std::string& fields) {
        return problems(with("objects:\n  upstream: {type: directory, path: /o}\n  " + fields + "\n"));
    };
    EXPECT_THAT(objects("root_secrets: {\"\": 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11}"), IsEmpty());
    EXPECT_THAT(objects("root_secrets: {a: 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11}"),
                ElementsAre("agent.yaml:7: objects.active_root_secret: \"\" is not among root_secrets"));
    EXPECT_THAT(objects("root_secrets: {\"\": secret}"),
                ElementsAre("agent.yaml:8: objects.root_secrets: \"\": expected a UUID, found \"secret\""));
}

TEST_F(Loader, SaysFirstWhatIsWrongAndHowMuchMore) {
    const std::string path = folder_.file("agent.yaml", with("database_sessions: 0\nlog: {level: loud}\n"));
    const Result<Config> loaded = load(path);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, Code::InvalidInput);
    EXPECT_THAT(loaded.error().message, AllOf(HasSubstr(path + ":6: database_sessions"),
                                              HasSubstr("(and 1 more: sallyport check-config lists them)")));
}

TEST_F(Loader, SaysWhyAFileCannotBeRead) {
    const Result<Config> loaded = load(folder_.path() + "/none.yaml");
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().message, folder_.path() + "/none.yaml: cannot be read: No such file or directory");
}

}  // namespace
}  // namespace sallyport::config
