#include "agent/http/head.h"

#include <gtest/gtest.h>

#include "keymanager/base/uuid.h"

namespace sallyport::http {
namespace {

TEST(Head, FindsHeadersWhateverTheirCase) {
    const std::vector<api::Header> headers = {{"X-Auth-Token", "t"}};
    ASSERT_NE(find_header(headers, "x-auth-token"), nullptr);
    EXPECT_EQ(*find_header(headers, "X-AUTH-TOKEN"), "t");
    EXPECT_EQ(find_header(headers, "x-auth"), nullptr);
}

TEST(Head, WritesAnAnswersHead) {
    std::string out;
    write_response_head({201, {{"Location", "/x"}}}, {.length = 5}, ConnectionMark::Close, out);
    EXPECT_EQ(out, "HTTP/1.1 201 Created\r\nLocation: /x\r\nContent-Length: 5\r\nConnection: close\r\nDate: " +
                       http_date() + "\r\n\r\n");
}

TEST(Head, LeavesOutWhatTheServerOwnsAndWhatWouldSplitTheAnswer) {
    std::string out;
    write_response_head({200, {{"Content-Length", "9"}, {"Set-Cookie", "a\r\nEvil: 1"}, {"Evil\r\n", "2"}}},
                        {.length = 5}, ConnectionMark::None, out);
    EXPECT_EQ(out.find("Evil"), std::string::npos);
    EXPECT_EQ(out.find("Content-Length: 9"), std::string::npos);
    EXPECT_NE(out.find("Content-Length: 5"), std::string::npos);
}

TEST(Head, MakesRequestIdsThatAreUuids) {
    const std::string id = new_request_id();
    ASSERT_TRUE(id.starts_with("req-"));
    EXPECT_TRUE(is_uuid(std::string_view(id).substr(4))) << id;
    EXPECT_NE(id, new_request_id());
}

TEST(Head, WritesARequestsHead) {
    api::Request request;
    request.method = "POST";
    request.target = "/auth/tokens";
    request.headers = {{"Accept", "*/*"}, {"Host", "evil"}, {"X", "a\r\nb"}};
    std::string out;
    write_request_head(request, "/v3", "keys:5000", BodyMark{0, false}, out);
    EXPECT_EQ(out, "POST /v3/auth/tokens HTTP/1.1\r\nHost: keys:5000\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n");
    write_request_head(request, "", "keys:5000", BodyMark{{}, true}, out);
    EXPECT_TRUE(out.ends_with("Transfer-Encoding: chunked\r\n\r\n")) << out;
    write_request_head(request, "", "keys:5000", {}, out);
    EXPECT_TRUE(out.ends_with("Accept: */*\r\n\r\n")) << out;
}

TEST(Head, TakesTheBaseUrlFromTheHost) {
    api::Request request;
    request.headers = {{"host", "keys:9311"}};
    EXPECT_EQ(base_url_for(false, request), "http://keys:9311");
    EXPECT_EQ(base_url_for(true, request), "https://keys:9311");
}

}  // namespace
}  // namespace sallyport::http
