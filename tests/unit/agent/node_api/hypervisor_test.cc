#include "agent/node_api/hypervisor.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "keymanager/base/bytes.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_volume_keys.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr auto Volume = "11111111-2222-4333-8444-555555555501";
constexpr auto OtherVolume = "11111111-2222-4333-8444-555555555502";
constexpr auto Uuid = "4b33363a-60e0-4c34-a3ae-c975a5370ee2";
constexpr auto Key = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto OtherKey = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
constexpr auto TwoDisks =
    "<domain><devices>"
    "<disk><encryption format='luks'><secret type='passphrase' uuid='4b33363a-60e0-4c34-a3ae-c975a5370ee2'/>"
    "</encryption><target dev='vda'/><serial>11111111-2222-4333-8444-555555555501</serial></disk>"
    "<disk><encryption format='luks'><secret type='passphrase' usage='11111111-2222-4333-8444-555555555502'/>"
    "</encryption><target dev='vdb'/></disk></devices></domain>";
constexpr auto OneDisk =
    "<domain><devices><disk><encryption format='luks'><secret type='passphrase' "
    "usage='11111111-2222-4333-8444-555555555502'/></encryption><target dev='vda'/></disk></devices></domain>";
constexpr auto NamelessVolume =
    "<domain><devices><disk><encryption format='luks'><secret type='passphrase' "
    "uuid='4b33363a-60e0-4c34-a3ae-c975a5370ee2'/></encryption><target dev='vda'/></disk></devices></domain>";

core::Caller caller_of(const std::string& project) { return {UserId("root"), ProjectId(project), {"admin"}, ""}; }

class HypervisorRoutesTest : public testing::Test {
protected:
    struct Answer {
        int status;
        json::value body;
    };

    Answer call(const std::string& method, const std::string& path, const json::value& body = {}) {
        return send(method, path, body.is_null() ? std::string() : json::serialize(body));
    }
    Answer send(const std::string& method, const std::string& path, const std::string& text) {
        api::Request request;
        request.method = method;
        request.target = "/sallyport/v1/libvirt" + path;
        request.body = *SecureBytes::copy_of(bytes_of(text));
        const api::Response response = routes_.handle(request, caller);
        json::error_code failed;
        return {response.status, json::parse(text_of(response.body.reveal()), failed)};
    }
    int inject_status(const json::value& body) { return call("POST", "/inject", body).status; }
    std::string held(const char* volume) {
        const SecureBytes* value = hypervisor.value_of(libvirt::VolumeId(volume));
        return value == nullptr ? "nothing" : std::string(text_of(value->reveal()));
    }

    void SetUp() override {
        keys.add_key(Key, "one");
        keys.add_key(OtherKey, "74776f");
    }

    core::Caller caller = caller_of("node");
    libvirt::FakeHypervisor hypervisor;
    guests::FakeVolumeKeys keys{"node"};

private:
    guests::Keeper keeper_{hypervisor, keys, {.self = caller_of("node"), .queue = std::chrono::seconds(0)}};
    HypervisorRoutes routes_{hypervisor, keeper_, keys};
};

TEST_F(HypervisorRoutesTest, InjectsThePassphraseOfAKeyForAVolume) {
    const Answer answer = call("POST", "/inject", {{"volume", Volume}, {"key", OtherKey}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, json::parse(R"({"secrets": [{"volume": "11111111-2222-4333-8444-555555555501",
                                                        "uuid": "11111111-2222-4333-8444-555555555501"}]})"));
    EXPECT_EQ(held(Volume), "74776f");
}

TEST_F(HypervisorRoutesTest, TakesARefAndAUuidAndReplacesAStaleValue) {
    ASSERT_EQ(inject_status({{"volume", Volume}, {"key", OtherKey}}), 200);
    const std::string ref = std::string("http://localhost:9311/v1/secrets/") + Key;
    const Answer answer = call("POST", "/inject", {{"volume", Volume}, {"key", ref}, {"uuid", Uuid}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.at("secrets").at(0).at("uuid").as_string(), Uuid);
    EXPECT_EQ(held(Volume), "one");
}

TEST_F(HypervisorRoutesTest, InjectsAllSecretsOfADomain) {
    hypervisor.define_domain("web1", TwoDisks);
    const Answer answer =
        call("POST", "/inject", {{"domain", "web1"}, {"keys", {{"vda", Key}, {OtherVolume, OtherKey}}}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body.at("secrets").as_array().size(), 2U);
    EXPECT_EQ(answer.body.at("secrets").at(0).at("disk").as_string(), "vda");
    EXPECT_EQ(answer.body.at("secrets").at(0).at("uuid").as_string(), Uuid) << "the domain asks for it by this uuid";
    EXPECT_EQ(held(Volume), "one");
    EXPECT_EQ(held(OtherVolume), "74776f");
}

TEST_F(HypervisorRoutesTest, OneKeyIsEnoughForADomainWithOneDisk) {
    hypervisor.define_domain("web1", OneDisk);
    EXPECT_EQ(inject_status({{"domain", "web1"}, {"keys", {{"*", Key}}}}), 200);
    EXPECT_EQ(held(OtherVolume), "one");
}

TEST_F(HypervisorRoutesTest, ADomainWhoseKeysDoNotFitItsDisksIsLeftAlone) {
    hypervisor.define_domain("web1", TwoDisks);
    hypervisor.define_domain("nameless", NamelessVolume);
    hypervisor.define_domain("open", "<domain/>");
    for (const char* body : {R"({"domain": "web1", "keys": {"*": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"}})",
                             R"({"domain": "web1", "keys": {"vda": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"}})",
                             R"({"domain": "web1", "keys": {"vda": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11",
                                 "vdb": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11",
                                 "vdc": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"}})",
                             R"({"domain": "web1", "keys": {}})", R"({"domain": "web1"})",
                             R"({"domain": "nameless", "keys": {"vda": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"}})",
                             R"({"domain": "open", "keys": {"vda": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"}})"}) {
        EXPECT_EQ(send("POST", "/inject", body).status, 400) << body;
    }
    EXPECT_EQ(inject_status({{"domain", "nobody"}, {"keys", {{"vda", Key}}}}), 404);
    EXPECT_EQ(held(Volume), "nothing");
}

TEST_F(HypervisorRoutesTest, ALaterKeyThatIsMissingChangesNothing) {
    hypervisor.define_domain("web1", TwoDisks);
    EXPECT_EQ(inject_status({{"domain", "web1"}, {"keys", {{"vda", Key}, {"vdb", Uuid}}}}), 404);
    EXPECT_EQ(held(Volume), "nothing");
}

TEST_F(HypervisorRoutesTest, AKeyIsFetchedWithTheCallersOwnRights) {
    caller.project = ProjectId("another");
    EXPECT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 403);
}

TEST_F(HypervisorRoutesTest, OnlyAdminsAreHeard) {
    caller.roles = {"creator", "observer"};
    EXPECT_EQ(call("GET", "").status, 403);
    EXPECT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 403);
    EXPECT_EQ(call("POST", "/drop", {{"volume", Volume}}).status, 403);
    EXPECT_EQ(call("POST", "/sync", json::object()).status, 403);
    EXPECT_EQ(call("POST", "/hook", {{"domain", "d"}, {"milliseconds", 1}, {"disks", json::array()}}).status, 403);
}

TEST_F(HypervisorRoutesTest, ListsWhatTheHypervisorHolds) {
    ASSERT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 200);
    hypervisor.define_foreign({libvirt::SecretUuid(Uuid), libvirt::VolumeId(OtherVolume), false, false});
    const Answer answer = call("GET", "");
    EXPECT_EQ(answer.status, 200);
    ASSERT_EQ(answer.body.at("secrets").as_array().size(), 2U);
    EXPECT_TRUE(answer.body.at("secrets").at(0).at("ours").as_bool());
    EXPECT_FALSE(answer.body.at("secrets").at(1).at("ours").as_bool());
    EXPECT_EQ(answer.body.at("secrets").at(1).at("uuid").as_string(), Uuid);
}

TEST_F(HypervisorRoutesTest, DropsAndSaysWhetherThereWasOne) {
    ASSERT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 200);
    EXPECT_EQ(call("POST", "/drop", {{"volume", Volume}}).body.at("dropped"), json::value(true));
    EXPECT_EQ(held(Volume), "nothing");
    EXPECT_EQ(call("POST", "/drop", {{"volume", Volume}}).body.at("dropped"), json::value(false));
}

TEST_F(HypervisorRoutesTest, AForeignSecretTakesAnExplicitWord) {
    hypervisor.define_foreign({libvirt::SecretUuid(Uuid), libvirt::VolumeId(Volume), false, false});
    EXPECT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 409);
    EXPECT_EQ(call("POST", "/drop", {{"volume", Volume}, {"force", false}}).status, 409);
    EXPECT_EQ(inject_status({{"volume", Volume}, {"key", Key}, {"force", true}}), 200);
    EXPECT_EQ(held(Volume), "one");
}

TEST_F(HypervisorRoutesTest, AHypervisorThatIsAwayIsSaidToBeAway) {
    hypervisor.fail_next({Code::Unavailable, "libvirtd is away", {}});
    EXPECT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 503);
    hypervisor.fail_next({Code::Unavailable, "libvirtd is away", {}});
    EXPECT_EQ(call("GET", "").status, 503);
}

TEST_F(HypervisorRoutesTest, AnInjectedKeyIsNotedAndADropForgetsIt) {
    ASSERT_EQ(inject_status({{"volume", Volume}, {"key", Key}}), 200);
    EXPECT_EQ(keys.noted(Volume), Key);
    ASSERT_EQ(call("POST", "/drop", {{"volume", Volume}}).status, 200);
    EXPECT_EQ(keys.noted(Volume), "");
}

TEST_F(HypervisorRoutesTest, AHookIsAnsweredOnceTheSecretsAreThere) {
    keys.note(Volume, {Key});
    const json::object body{{"domain", "web1"},
                            {"milliseconds", 1000},
                            {"disks", {{{"volume", Volume}, {"uuid", Uuid}, {"disk", "vda"}, {"device", ""}}}}};
    const Answer answer = call("POST", "/hook", body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body.at("secrets").at(0).at("action").as_string(), "put");
    EXPECT_EQ(answer.body.at("secrets").at(0).at("uuid").as_string(), Uuid);
    EXPECT_EQ(held(Volume), "one");
}

TEST_F(HypervisorRoutesTest, AHookForAVolumeWithoutAKeySaysHowToGiveOne) {
    const Answer answer =
        call("POST", "/hook", {{"domain", "web1"}, {"milliseconds", 0}, {"disks", {{{"volume", Volume}}}}});
    EXPECT_EQ(answer.status, 404);
    EXPECT_NE(answer.body.at("description").as_string().find("libvirt inject"), json::string::npos) << answer.body;
}

TEST_F(HypervisorRoutesTest, SyncSaysWhatItDid) {
    hypervisor.define_domain("web1", OneDisk);
    hypervisor.start("web1");
    keys.note(OtherVolume, {Key});
    const Answer answer = call("POST", "/sync", json::object());
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(answer.body.at("secrets").as_array().size(), 1U);
    EXPECT_EQ(answer.body.at("secrets").at(0).at("action").as_string(), "put");
    EXPECT_EQ(answer.body.at("secrets").at(0).at("domain").as_string(), "web1");
    EXPECT_EQ(answer.body.at("secrets").at(0).at("disk").as_string(), "vda");
}

TEST_F(HypervisorRoutesTest, RefusesWhatItDoesNotUnderstand) {
    for (const char* text : {"", "[]", "{", R"({"volume": 7, "key": 8})", R"({"volume": "v"})", R"({"key": "k"})",
                             R"({"volume": "v", "key": "not-an-id"})",
                             R"({"volume": "v", "key": "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11", "force": 1})"}) {
        EXPECT_EQ(send("POST", "/inject", text).status, 400) << text;
    }
    EXPECT_EQ(send("POST", "/drop", "{}").status, 400);
    for (const char* text :
         {"{}", R"({"domain": "d"})", R"({"domain": "d", "disks": [], "milliseconds": -1})",
          R"({"domain": "d", "disks": [], "milliseconds": 9e9})", R"({"domain": "d", "disks": [7], "milliseconds": 1})",
          R"({"domain": "d", "disks": [{"uuid": "u"}], "milliseconds": 1})"}) {
        EXPECT_EQ(send("POST", "/hook", text).status, 400) << text;
    }
    EXPECT_EQ(call("DELETE", "").status, 404);
    EXPECT_EQ(call("GET", "/inject").status, 404);
    EXPECT_EQ(call("POST", "/other", json::object()).status, 404);
}

}  // namespace
}  // namespace sallyport::node_api
