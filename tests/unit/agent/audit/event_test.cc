#include "agent/audit/event.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sallyport::audit {
namespace {

std::string text_of_event(const Event& event) {
    std::string text;
    append_event(text, 7, Timestamp(std::chrono::microseconds(1'000'000'123'456)), event);
    return text;
}

TEST(AuditEvent, SaysWhoWhatWhichAndHow) {
    const std::vector<std::string> roles{"creator", "member"};
    EXPECT_EQ(text_of_event({.name = "secret.payload.read",
                             .outcome = Outcome::Refused,
                             .status = 403,
                             .id = "an-id",
                             .user = "u",
                             .project = "p",
                             .roles = &roles,
                             .source = "127.0.0.1:9",
                             .request_id = "req-1",
                             .facts = {{"device", "/dev/sdb"}}}),
              R"({"seq":7,"time":"1970-01-12T13:46:40.123456Z","event":"secret.payload.read","outcome":"refused",)"
              R"("status":403,"id":"an-id","user":"u","project":"p","roles":["creator","member"],)"
              R"("source":"127.0.0.1:9","request_id":"req-1","device":"/dev/sdb")");
}

TEST(AuditEvent, NoTextOfAClientLeavesItsQuotes) {
    const std::string nasty = "\"},{\"seq\":1\n\\\x01\xff\xc3\xa9" + std::string(1000, 'x');
    const std::string text = text_of_event({.name = "e", .id = nasty, .request_id = "\"mac\":\""}) + "}";
    EXPECT_EQ(text.find('\n'), std::string::npos);
    boost::json::error_code failed;
    const auto value = boost::json::parse(text, failed);
    ASSERT_FALSE(failed) << text;
    EXPECT_TRUE(value.at("id").as_string().starts_with("\"},{\"seq\":1\n\\"));
    EXPECT_LT(text.size(), 800U);
}

}  // namespace
}  // namespace sallyport::audit
