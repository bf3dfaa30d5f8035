#include "agent/node_api/volumes.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "tests/fakes/fake_volume_encryptor.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::node_api {
namespace {

using volume::DevicePath;
using volume::KeyHex;

/// The routes over the fake volumes; the paths exist, since they are checked.
class Volumes : public testing::Test {
protected:
    void SetUp() override { fake_.add_device(device_); }

    api::Response ask(const std::string& method, const std::string& target, const std::string& body,
                      std::vector<std::string> roles = {"admin"}) {
        api::Request request;
        request.method = method;
        request.target = target;
        request.body = SecureBytes::copy_of(bytes_of(body)).value();
        core::Caller caller;
        caller.roles = std::move(roles);
        return routes_.handle(request, caller);
    }
    api::Response post(const std::string& verb, boost::json::object body) {
        return ask("POST", "/sallyport/v1/volumes/" + verb, boost::json::serialize(body));
    }
    static std::string text(const api::Response& response) { return std::string(text_of(response.body.reveal())); }

    volume::Scratch scratch_;
    const DevicePath device_ = scratch_.zeros("disk", 4096);
    volume::FakeVolumeEncryptor fake_;
    volume::Attacher attacher_{fake_, scratch_.path("attachments")};
    VolumeRoutes routes_{fake_, attacher_,
                         [](const core::Caller&, const SecretId& id) -> Result<volume::Passphrase> {
                             if (id.str() != "a-key") return Error{Code::NotFound, "no such secret", {}};
                             return volume::passphrase_of(KeyHex);
                         },
                         volume::UnlockProfile::RandomKey};
};

TEST_F(Volumes, AreFormattedTestedOpenedListedAndClosed) {
    EXPECT_EQ(post("format", {{"device", device_.str()}, {"secret", "a-key"}}).status, 200);
    EXPECT_EQ(post("test", {{"device", device_.str()}, {"secret", "a-key"}}).status, 200);
    EXPECT_EQ(post("open", {{"device", device_.str()}, {"secret", "a-key"}, {"name", "data"}}).status, 200);
    EXPECT_NE(text(ask("GET", "/sallyport/v1/volumes", "")).find("/dev/mapper/data"), std::string::npos);
    EXPECT_EQ(post("close", {{"name", "data"}}).status, 200);
    EXPECT_EQ(post("close", {{"name", "data"}}).status, 404);
}

TEST_F(Volumes, AreForAdministratorsAlone) {
    EXPECT_EQ(ask("GET", "/sallyport/v1/volumes", "", {"creator", "observer"}).status, 403);
    EXPECT_EQ(ask("POST", "/sallyport/v1/volumes/format", "{}", {}).status, 403);
}

TEST_F(Volumes, StayClosedWithoutTheKey) {
    EXPECT_EQ(post("format", {{"device", device_.str()}, {"secret", "another"}}).status, 404);
    EXPECT_EQ(post("format", {{"device", device_.str()}}).status, 400);
    EXPECT_EQ(fake_.inspect(device_)->content, volume::Content::Blank);
}

TEST_F(Volumes, TurnAwayRequestsThatMakeNoSense) {
    EXPECT_EQ(ask("POST", "/sallyport/v1/volumes/format", "{").status, 400);
    EXPECT_EQ(ask("POST", "/sallyport/v1/volumes/format", "[]").status, 400);
    EXPECT_EQ(ask("POST", "/sallyport/v1/volumes/none", "{}").status, 404);
    EXPECT_EQ(ask("DELETE", "/sallyport/v1/volumes", "").status, 404);
    EXPECT_EQ(post("format", {{"device", device_.str()}, {"secret", "a-key"}, {"luks", "luks3"}}).status, 400);
}

TEST_F(Volumes, SayWhatWentWrongAndOnWhat) {
    fake_.add_device(device_, volume::Content::UnknownData);
    const api::Response refused = post("format", {{"device", device_.str()}, {"secret", "a-key"}});
    EXPECT_EQ(refused.status, 409);
    EXPECT_NE(text(refused).find(device_.str() + " is not empty"), std::string::npos);
}

TEST_F(Volumes, AreEncryptedAndDecryptedAsFiles) {
    const std::string image = scratch_.path("image"), back = scratch_.path("back");
    EXPECT_EQ(post("encrypt", {{"source", device_.str()}, {"destination", image}, {"secret", "a-key"}}).status, 200);
    EXPECT_EQ(post("decrypt", {{"source", image}, {"destination", back}, {"secret", "a-key"}}).status, 200);
    EXPECT_TRUE(volume::same_bytes(back, device_.str()));
    EXPECT_EQ(post("decrypt", {{"source", image}, {"destination", back}, {"secret", "a-key"}}).status, 409);
}

TEST_F(Volumes, AreEncryptedWithTheirHeaderApart) {
    const std::string image = scratch_.path("image"), header = scratch_.path("header"), back = scratch_.path("back");
    EXPECT_EQ(
        post(
            "encrypt",
            {{"source", device_.str()}, {"destination", image}, {"header", header}, {"secret", "a-key"}, {"job", "j1"}})
            .status,
        200);
    EXPECT_EQ(std::filesystem::file_size(image), 4096u);
    EXPECT_EQ(
        post("decrypt",
             {{"source", image}, {"destination", back}, {"header", header}, {"secret", "a-key"}, {"sparse", true}})
            .status,
        200);
    EXPECT_TRUE(volume::same_bytes(back, device_.str()));
    EXPECT_EQ(post("decrypt", {{"source", image}, {"destination", back}, {"secret", "a-key"}, {"job", "a/b"}}).status,
              400);
}

TEST_F(Volumes, TellHowFarARequestIsToAdministrators) {
    api::Request request;
    request.method = "GET";
    request.target = "/sallyport/v1/volumes/progress/j1";
    core::Caller caller;
    EXPECT_EQ(routes_.progress(request, caller).status, 403);
    caller.roles = {"admin"};
    EXPECT_EQ(routes_.progress(request, caller).status, 404);
}

TEST_F(Volumes, AreAttachedByTheirLinksUnderDevAlone) {
    EXPECT_EQ(checked_link(device_.str()).value(), device_);
    const std::string link = scratch_.path("link");
    std::filesystem::create_symlink("/dev/null", link);
    EXPECT_EQ(checked_link(link).value().str(), link);
    std::filesystem::create_symlink(device_.str(), scratch_.path("elsewhere"));
    EXPECT_EQ(checked_link(scratch_.path("elsewhere")).error().code, Code::InvalidInput);
    std::filesystem::create_directory_symlink(scratch_.path("."), scratch_.path("folder"));
    EXPECT_EQ(checked_link(scratch_.path("folder") + "/link").error().code, Code::InvalidInput);
    EXPECT_EQ(checked_link("link").error().code, Code::InvalidInput);
    EXPECT_EQ(checked_link(scratch_.path("none")).error().code, Code::NotFound);
}

TEST_F(Volumes, AreFormattedOnTheirFirstUseAndResized) {
    EXPECT_EQ(post("open", {{"device", device_.str()}, {"secret", "a-key"}}).status, 400);
    const api::Response opened = post("open", {{"device", device_.str()}, {"secret", "a-key"}, {"first_use", true}});
    EXPECT_EQ(opened.status, 200);
    EXPECT_NE(text(opened).find("\"name\":\"crypt-disk\""), std::string::npos);
    EXPECT_NE(text(opened).find("\"formatted\":true"), std::string::npos);
    EXPECT_EQ(post("resize", {{"name", "crypt-disk"}, {"secret", "a-key"}}).status, 200);
    EXPECT_EQ(post("resize", {{"name", "none"}}).status, 404);
    EXPECT_EQ(post("close", {{"name", "crypt-disk"}}).status, 200);
}

TEST_F(Volumes, ArePathsWithoutTricks) {
    EXPECT_EQ(checked_path(device_.str()).value(), device_);
    EXPECT_EQ(checked_path(scratch_.path("none")).error().code, Code::NotFound);
    for (const std::string& path : {std::string("disk"), std::string(""), scratch_.path("../x"),
                                    scratch_.path("./disk"), scratch_.path("disk") + std::string("\0x", 2)}) {
        EXPECT_EQ(checked_path(path).error().code, Code::InvalidInput) << path;
    }
    std::filesystem::create_symlink(device_.str(), scratch_.path("link"));
    EXPECT_EQ(checked_path(scratch_.path("link")).error().code, Code::InvalidInput);
    std::filesystem::create_directory_symlink(scratch_.path("."), scratch_.path("folder"));
    EXPECT_EQ(checked_path(scratch_.path("folder") + "/disk").error().code, Code::InvalidInput);
    EXPECT_EQ(post("test", {{"device", scratch_.path("link")}, {"secret", "a-key"}}).status, 400);
}

}  // namespace
}  // namespace sallyport::node_api
