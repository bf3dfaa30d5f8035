#include "agent/node_api/erasure_certificate.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

volume::EraseReport report() {
    volume::EraseReport report;
    report.volume.uuid = "4ef6a0d2-c1aa-4075-8954-516b223a651e";
    report.volume.cipher = "aes-xts-plain64";
    report.volume.key_slots = {0, 3};
    report.device = "/dev/vdb";
    report.secrets = {{SecretId("11111111-1111-4111-8111-111111111111"), 1}};
    report.verified = {"all of it"};
    return report;
}

class Certificates : public testing::Test {
protected:
    json::object certificate() { return *certificate_of(report(), {"node", "user 0", "sallyport 1"}, folder_.key()); }
    volume::Scratch scratch_;
    CertificateFolder folder_ = *CertificateFolder::open(scratch_.path("erasures"));
};

TEST_F(Certificates, SayWhatWhereWhenWhichKeysAndByWhom) {
    const json::object verified = *verified_certificate(json::serialize(certificate()), folder_.key().public_key());
    EXPECT_EQ(verified.at("what").at("volume_uuid").as_string(), report().volume.uuid);
    EXPECT_EQ(verified.at("where").at("host").as_string(), "node");
    EXPECT_EQ(verified.at("by").as_string(), "user 0");
    EXPECT_EQ(verified.at("destroyed").at("key_slots").as_array().size(), 2u);
    EXPECT_EQ(verified.at("destroyed").at("secrets").at(0).at("secret").as_string(), report().secrets[0].id.str());
    EXPECT_THAT(std::string(verified.at("signed_by").as_string()), testing::StartsWith("SHA256:"));
}

TEST_F(Certificates, DoNotVerifyWhenAByteOfThemChanged) {
    std::string text = json::serialize(certificate());
    text.replace(text.find("/dev/vdb"), 8, "/dev/vdc");
    EXPECT_EQ(verified_certificate(text, std::nullopt).error().code, Code::Corrupt);
    text = json::serialize(certificate());
    const std::size_t at = text.rfind("\"value\":\"") + 12;
    text[at] = text[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verified_certificate(text, std::nullopt));
}

TEST_F(Certificates, OfAnotherNodeAreToldApart) {
    const auto other = *CertificateFolder::open(scratch_.path("another"));
    const json::object foreign = *certificate_of(report(), {"node", "user 0", "sallyport 1"}, other.key());
    EXPECT_TRUE(verified_certificate(json::serialize(foreign), std::nullopt));
    EXPECT_EQ(verified_certificate(json::serialize(foreign), folder_.key().public_key()).error().code, Code::WrongKey);
}

TEST_F(Certificates, AreNotJustAnyFile) {
    for (const char* text :
         {"", "{", "[]", "{}", R"({"certificate":{},"signature":{}})",
          R"({"certificate":{},"signature":{"algorithm":"Ed25519","public_key":"x","value":"x"}})"}) {
        EXPECT_FALSE(verified_certificate(text, std::nullopt)) << text;
    }
}

TEST_F(Certificates, AreKeptAsFilesOfTheirOwn) {
    const std::string first = *folder_.write("uuid", certificate());
    const std::string second = *folder_.write("uuid", certificate());
    EXPECT_NE(first, second);
    EXPECT_TRUE(std::filesystem::exists(first));
    EXPECT_EQ(std::filesystem::status(scratch_.path("erasures/signing.key")).permissions(),
              std::filesystem::perms(0600));
    // The key stays when the folder is opened again, and openssl knows it.
    EXPECT_EQ(CertificateFolder::open(scratch_.path("erasures"))->key().public_key(), folder_.key().public_key());
    EXPECT_TRUE(volume::runs("openssl pkey -in " + scratch_.path("erasures/signing.key") + " -noout"));
}

TEST_F(Certificates, NeedAKeyThatIsOne) {
    std::filesystem::permissions(scratch_.path("erasures/signing.key"), std::filesystem::perms(0644));
    EXPECT_EQ(CertificateFolder::open(scratch_.path("erasures")).error().code, Code::Refused);
    std::filesystem::permissions(scratch_.path("erasures/signing.key"), std::filesystem::perms(0600));
    volume::write_at(scratch_.path("erasures/signing.key"), 0, "damaged");
    EXPECT_EQ(CertificateFolder::open(scratch_.path("erasures")).error().code, Code::Corrupt);
    EXPECT_EQ(CertificateFolder::open(scratch_.path("none/erasures")).error().code, Code::Io);
}

}  // namespace
}  // namespace sallyport::node_api
