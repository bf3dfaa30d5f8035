#include "keymanager/api/healthcheck.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "keymanager/base/bytes.h"

namespace sallyport::api {
namespace {

Response ask(const std::string& method, const std::string& accept, const std::string& file = {}) {
    Request request;
    request.method = method;
    if (!accept.empty()) request.headers.emplace_back("Accept", accept);
    return healthcheck(request, file);
}
std::string text_of_answer(const Response& response) { return std::string(text_of(response.body.reveal())); }

TEST(Healthcheck, AnswersInTheFormThatIsLikedBest) {
    EXPECT_EQ(text_of_answer(ask("GET", "")), "OK");
    EXPECT_EQ(text_of_answer(ask("GET", "*/*")), "OK");
    EXPECT_EQ(text_of_answer(ask("GET", "image/png")), "OK");
    EXPECT_NE(text_of_answer(ask("GET", "application/json")).find("\"OK\""), std::string::npos);
    EXPECT_NE(text_of_answer(ask("GET", "text/plain;q=0.5, application/json")).find("reasons"), std::string::npos);
    const Response page = ask("GET", "text/html");
    EXPECT_EQ(page.headers.front().second, "text/html; charset=UTF-8");
    EXPECT_NE(text_of_answer(page).find("<TD>OK</TD>"), std::string::npos);
    EXPECT_EQ(ask("HEAD", "").status, 204);
}

TEST(Healthcheck, IsDisabledByAFile) {
    std::string file = (std::filesystem::temp_directory_path() / "sallyport-health-XXXXXX").string();
    close(mkstemp(file.data()));
    EXPECT_EQ(ask("GET", "", file).status, 503);
    EXPECT_EQ(text_of_answer(ask("GET", "", file)), "DISABLED BY FILE");
    EXPECT_EQ(ask("HEAD", "", file).status, 503);
    std::filesystem::remove(file);
    EXPECT_EQ(ask("GET", "", file).status, 200);
}

}  // namespace
}  // namespace sallyport::api
