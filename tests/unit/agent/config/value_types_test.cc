#include "agent/config/value_types.h"

#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

namespace sallyport::config {
namespace {

TEST(YamlScalar, LeavesPlainWhatEveryReaderTakesForText) {
    EXPECT_EQ(yaml_scalar("/etc/sallyport/kek"), "/etc/sallyport/kek");
    EXPECT_EQ(yaml_scalar("qemu:///system"), "qemu:///system");
}

TEST(YamlScalar, QuotesWhatAReaderCouldTakeForSomethingElse) {
    for (const char* const text : {"", "no", "True", "null", "2027", "1e3", "a: b", "- x", "#x", "key:", "a\"b\\c"}) {
        const std::string scalar = yaml_scalar(text);
        EXPECT_EQ(scalar.front(), '"') << text;
        EXPECT_EQ(YAML::Load(scalar).as<std::string>(), text);
    }
}

TEST(TcpAddressType, ShowsWhatItReads) {
    for (const char* const text : {"127.0.0.1:9311", "[::1]:0", "*:80", "keys.example.com:65535"}) {
        const Result<TcpAddress> address = tcp_address().read(YAML::Node(text), false);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(tcp_address().show(*address), text);
    }
    for (const char* const text :
         {"", ":1", "host", "host:", "host:x", "host:-1", "host:65536", "[]:1", "[::1:1", "::1:1"}) {
        EXPECT_FALSE(tcp_address().read(YAML::Node(text), false).has_value()) << text;
    }
}

TEST(FileModeType, ReadsOctalDigits) {
    EXPECT_EQ(*file_mode().read(YAML::Node("0640"), false), 0640U);
    EXPECT_EQ(file_mode().show(0640), "\"0640\"");
    for (const char* const text : {"", "7", "0888", "rw-r-----", "01777", "-644"}) {
        EXPECT_FALSE(file_mode().read(YAML::Node(text), false).has_value()) << text;
    }
}

TEST(UuidsByNameType, RefusesANameThatStandsTwice) {
    const char* const twice = "{a: 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11, a: 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55}";
    const auto read = uuids_by_name().read(YAML::Load(twice), false);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().message, "\"a\" stands twice");
}

TEST(Mismatch, ShowsNoMoreThanALineOfWhatWasFound) {
    EXPECT_EQ(mismatch("true or false", YAML::Node("first\nsecond")).message,
              "expected true or false, found \"first\"");
    EXPECT_LT(mismatch("text", YAML::Node(std::string(10000, 'x'))).message.size(), 200U);
}

}  // namespace
}  // namespace sallyport::config
