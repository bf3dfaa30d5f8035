#include "keymanager/api/response.h"

#include <gtest/gtest.h>

#include <string>

#include "keymanager/api/router.h"
#include "keymanager/base/bytes.h"

namespace sallyport::api {
namespace {

int status_of(Code code) { return error_response({}, Error{code, "m", "d"}).status; }

TEST(Response, MapsEveryCodeToItsStatus) {
    EXPECT_EQ(status_of(Code::InvalidInput), 400);
    EXPECT_EQ(status_of(Code::Unauthenticated), 401);
    EXPECT_EQ(status_of(Code::Forbidden), 403);
    EXPECT_EQ(status_of(Code::NotFound), 404);
    EXPECT_EQ(status_of(Code::Conflict), 409);
    EXPECT_EQ(status_of(Code::TooLarge), 413);
    EXPECT_EQ(status_of(Code::OverQuota), 403);
    EXPECT_EQ(status_of(Code::Unavailable), 503);
    EXPECT_EQ(status_of(Code::Overloaded), 503);
    for (const Code ours : {Code::WrongKey, Code::Refused, Code::Corrupt, Code::Io, Code::Internal}) {
        EXPECT_EQ(status_of(ours), 500);
    }
}

TEST(Response, KeepsFaultsOfOursFromTheClient) {
    const Response response = error_response({}, Error{Code::Corrupt, "row 7 is broken", "secret detail"});
    EXPECT_EQ(text_of(response.body.reveal()),
              R"({"code": 500, "title": "Internal Server Error", )"
              R"("description": "System failure seen - please contact site administrator."})");
}

TEST(Response, SaysWhenToTryAgain) {
    const Response response = error_response({}, Error{Code::Unavailable, "the database is away", {}});
    EXPECT_EQ(response.headers.front(), (Header{"Retry-After", "1"}));
}

TEST(Response, TheTokenCheckSaysWhereKeystoneIs) {
    const Response response = unauthenticated({}, "http://k:5000");
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.headers.front(), (Header{"WWW-Authenticate", "Keystone uri=\"http://k:5000\""}));
}

}  // namespace
}  // namespace sallyport::api
