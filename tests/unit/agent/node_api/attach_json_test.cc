#include "agent/node_api/attach_json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using volume::UnlockProfile;

TEST(AttachJson, SaysAllThatTheOtherSideHasToKnow) {
    volume::AttachRequest request{.path = volume::DevicePath("/dev/disk/by-path/x")};
    request.name = volume::MappingName("data");
    request.multipath_id = "36001405";
    request.replace_link = true;
    request.open.read_only = true;
    request.open.header = volume::DevicePath("/headers/x");
    request.open.plain = volume::PlainOptions{"ripemd160", "aes-xts-plain64", 256, 4096};
    const auto back = attach_request_from(to_json(request), UnlockProfile::RandomKey);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->path, request.path);
    EXPECT_EQ(back->name, request.name);
    EXPECT_EQ(back->multipath_id, "36001405");
    EXPECT_TRUE(back->replace_link);
    EXPECT_TRUE(back->open.read_only);
    EXPECT_FALSE(back->open.allow_discards);
    EXPECT_EQ(back->open.header, request.open.header);
    ASSERT_TRUE(back->open.plain);
    EXPECT_EQ(back->open.plain->hash, "ripemd160");
    EXPECT_EQ(back->open.plain->key_bits, 256u);
    EXPECT_EQ(back->open.plain->offset, 4096u);
    EXPECT_FALSE(back->first_use);
}

TEST(AttachJson, FormatsOnFirstUseAsItIsTold) {
    const auto request = attach_request_from(
        {{"device", "/dev/vdb"}, {"first_use", true}, {"luks", "luks1"}, {"key_size", 256}}, UnlockProfile::Passphrase);
    ASSERT_TRUE(request && request->first_use);
    EXPECT_EQ(request->first_use->version, volume::LuksVersion::Luks1);
    EXPECT_EQ(request->first_use->key_bits, 256u);
    EXPECT_EQ(request->first_use->profile, UnlockProfile::Passphrase);
}

TEST(AttachJson, TurnsAwayWhatMakesNoSense) {
    for (const char* body :
         {"{}", R"({"device":""})", R"({"device":"/d","link":1})", R"({"device":"/d","first_use":"yes"})",
          R"({"device":"/d","plain":[]})", R"({"device":"/d","plain":{"hash":"sha256","cipher":"aes-xts-plain64"}})",
          R"({"device":"/d","plain":{"hash":"sha256","key_size":256}})",
          R"({"device":"/d","plain":{"hash":"sha256","cipher":"c","key_size":-1}})",
          R"({"device":"/d","first_use":true,"luks":"luks3"})"}) {
        const auto request = attach_request_from(json::parse(body).as_object(), UnlockProfile::RandomKey);
        ASSERT_FALSE(request) << body;
        EXPECT_EQ(request.error().code, Code::InvalidInput) << body;
    }
}

TEST(AttachJson, TellsOfAnAttachmentWithItsLink) {
    const volume::Attachment attachment{
        {volume::MappingName("data"), "/dev/mapper/data", volume::DevicePath("/dev/vdb"), "LUKS2", 512, false, {}},
        "/dev/disk/by-path/x",
        true,
        false};
    const json::object body = to_json(attachment);
    EXPECT_EQ(body.at("name").as_string(), "data");
    EXPECT_EQ(body.at("link").as_string(), "/dev/disk/by-path/x");
    EXPECT_TRUE(body.at("adopted").as_bool());
    EXPECT_FALSE(body.at("formatted").as_bool());
    EXPECT_FALSE(to_json(attachment.mapping, "").contains("link"));
}

}  // namespace
}  // namespace sallyport::node_api
