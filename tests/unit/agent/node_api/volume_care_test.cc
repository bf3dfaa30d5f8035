#include "agent/node_api/volume_care.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "agent/node_api/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/bytes.h"
#include "tests/unit/integrations/volume/scratch.h"
#include "tests/unit/keymanager/core/world.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using volume::DevicePath;
using volume::runs;

constexpr std::uint64_t MiB = 1024 * 1024;

/// The routes over a real key manager and a real image.
class VolumeCare : public core::KeyManagerWorld {
protected:
    void SetUp() override {
        ASSERT_TRUE(volumes_->format(device_, volume::passphrase_of(volume::KeyHex), {}));
        old_ = secret(volume::KeyHex);
        new_ = secret(volume::OtherKeyHex);
    }

    std::string secret(std::string_view hex) {
        model::SecretAttributes attributes;
        attributes.type = model::SecretType::Symmetric;
        return key_manager_
            ->store(core::Admin, attributes, core::Payload{*from_hex_secure(bytes_of(hex)), "application/octet-stream"})
            ->str();
    }
    api::Response ask(const std::string& verb, const json::object& body, const core::Caller& caller = core::Admin) {
        api::Request request;
        request.method = "POST";
        request.target = "/sallyport/v1/volume-care/" + verb;
        request.body = SecureBytes::copy_of(bytes_of(json::serialize(body))).value();
        return routes_.handle(request, caller);
    }
    json::object rotation() const { return {{"device", device_.str()}, {"secret", old_}, {"new_secret", new_}}; }
    static std::string text(const api::Response& response) { return std::string(text_of(response.body.reveal())); }
    static json::object object(const api::Response& response) { return json::parse(text(response)).get_object(); }
    bool opens(std::string_view hex) { return static_cast<bool>(volumes_->test(device_, volume::passphrase_of(hex))); }

    volume::Scratch scratch_;
    const DevicePath device_ = scratch_.zeros("disk", 20 * MiB);
    std::unique_ptr<volume::VolumeEncryptor> volumes_ = volume::make_luks_encryptor();
    std::string old_, new_;
    VolumeCareRoutes routes_{
        *key_manager_,
        [this](const core::Caller& caller, const SecretId& id) { return fetch_passphrase(*key_manager_, caller, id); },
        {.host = "node", .erasures = scratch_.path("erasures"), .program = "sallyport"}};
};

TEST_F(VolumeCare, AreRotatedWithARecordAndCopiesOfTheHeader) {
    const auto done = ask("rotate", rotation());
    ASSERT_EQ(done.status, 200) << text(done);
    EXPECT_TRUE(opens(volume::OtherKeyHex));
    EXPECT_FALSE(opens(volume::KeyHex));
    const auto uuid = model::VolumeUuid(std::string(object(done).at("uuid").as_string()));
    const auto record = *key_manager_->volumes().find(core::Admin, uuid);
    EXPECT_EQ(record->secret->str(), new_);
    EXPECT_EQ(record->host, "node");
    EXPECT_EQ(record->device, device_.str());
    EXPECT_EQ(object(ask("header-list", {{"uuid", uuid.str()}})).at("versions").as_array().size(), 1u);
    EXPECT_TRUE(object(ask("rotate", rotation())).at("steps").as_array().empty());
}

TEST_F(VolumeCare, KeepHeadersAndPutThemBack) {
    const json::object device{{"device", device_.str()}};
    ASSERT_EQ(ask("header-backup", device).status, 200);
    volume::write_at(device_.str(), 0, std::string(MiB, 'x'));
    ASSERT_FALSE(opens(volume::KeyHex));
    const auto restored = ask("header-restore", device);
    ASSERT_EQ(restored.status, 200) << text(restored);
    EXPECT_TRUE(opens(volume::KeyHex));
    EXPECT_EQ(object(restored).at("replaced_version").as_int64(), 2);
    EXPECT_EQ(object(ask("header-list", device)).at("versions").as_array().size(), 3u);
    EXPECT_EQ(ask("header-restore", {{"device", device_.str()}, {"version", 9}}).status, 404);

    const std::string file = scratch_.path("header");
    ASSERT_EQ(ask("header-export", {{"device", device_.str()}, {"destination", file}}).status, 200);
    EXPECT_TRUE(runs("cryptsetup isLuks " + file));
    EXPECT_EQ(ask("header-export", {{"device", device_.str()}, {"destination", file}}).status, 409);
}

TEST_F(VolumeCare, AreErasedWithACertificate) {
    ASSERT_EQ(ask("header-backup", {{"device", device_.str()}}).status, 200);
    const auto erased = ask("erase", {{"device", device_.str()}, {"secret", old_}});
    ASSERT_EQ(erased.status, 200) << text(erased);
    EXPECT_EQ(object(erased).at("certificate").at("result").as_string(), "erased");
    EXPECT_TRUE(std::filesystem::exists(std::string(object(erased).at("file").as_string())));
    EXPECT_EQ(volumes_->inspect(device_)->content, volume::Content::Blank);
    EXPECT_FALSE(key_manager_->fetch(core::Admin, SecretId(old_)));
    EXPECT_TRUE(*key_manager_->volumes().is_destroyed(SecretId(old_)));
    EXPECT_TRUE(key_manager_->fetch(core::Admin, SecretId(new_)));
    // Once more: the secret is gone, the disk is blank, and nothing says that an erasure was begun.
    EXPECT_EQ(ask("erase", {{"device", device_.str()}, {"secret", old_}}).status, 400);
}

TEST_F(VolumeCare, AreNotErasedByAKeyThatDoesNotOpenThem) {
    EXPECT_EQ(ask("erase", {{"device", device_.str()}, {"secret", new_}}).status, 422);
    EXPECT_TRUE(opens(volume::KeyHex));
    EXPECT_TRUE(key_manager_->fetch(core::Admin, SecretId(new_)));
}

TEST_F(VolumeCare, AreForAdministratorsAlone) {
    EXPECT_EQ(ask("rotate", rotation(), core::Creator).status, 403);
    // An administrator, but of another project: neither the secrets nor the record are his.
    EXPECT_EQ(ask("rotate", rotation(), core::Stranger).status, 403);
    ASSERT_EQ(ask("header-backup", {{"device", device_.str()}}).status, 200);
    EXPECT_TRUE(opens(volume::KeyHex));
}

TEST_F(VolumeCare, TurnAwayRequestsThatMakeNoSense) {
    EXPECT_EQ(ask("none", {}).status, 404);
    EXPECT_EQ(ask("rotate", {{"device", device_.str()}, {"secret", old_}}).status, 400);
    EXPECT_EQ(ask("rotate", {{"device", "disk"}, {"secret", old_}, {"new_secret", new_}}).status, 400);
    EXPECT_EQ(ask("rotate", {{"device", device_.str()}, {"secret", old_}, {"new_secret", old_}}).status, 400);
    EXPECT_EQ(ask("header-list", {{"device", scratch_.zeros("blank", MiB).str()}}).status, 404);
    EXPECT_TRUE(opens(volume::KeyHex));
}

}  // namespace
}  // namespace sallyport::node_api
