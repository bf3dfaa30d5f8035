#include "keymanager/db/database.h"

#include <gtest/gtest.h>

namespace sallyport::db {
namespace {

Error error_of(const std::string& url, int sessions = 1) {
    const auto made = make_database({.url = url, .password_file = {}, .sessions = sessions});
    return made ? Error{Code::NotFound, "it was made", {}} : made.error();
}

TEST(Database, OfAnUnknownKindIsInvalidAndItsPasswordIsNotRepeated) {
    for (const char* url : {"", "oracle://user:geheim@host/db", "/path", "sqlite", "sqlite:/path"}) {
        const Error error = error_of(url);
        EXPECT_EQ(error.code, Code::InvalidInput) << url;
        EXPECT_EQ((error.message + error.detail).find("geheim"), std::string::npos);
    }
}

TEST(Database, PathsWithOptionsQuotesOrAHostAreInvalid) {
    for (const char* url :
         {"sqlite://host/path", "sqlite:////tmp/x?mode=ro", "sqlite:////tmp/\"x\"", "sqlite:///file:x"}) {
        EXPECT_EQ(error_of(url).code, Code::InvalidInput) << url;
    }
}

TEST(Database, WithoutSessionsIsInvalid) { EXPECT_EQ(error_of("sqlite://", 0).code, Code::InvalidInput); }

TEST(Database, InMemoryHasThreeNames) {
    for (const char* url : {"sqlite://", "sqlite:///", "sqlite:///:memory:"})
        EXPECT_EQ(error_of(url).code, Code::NotFound);
}

TEST(Database, InAFolderThatIsNotThereIsUnavailableAndNamed) {
    const Error error = error_of("sqlite:////nonexistent/folder/db.sqlite");
    EXPECT_EQ(error.code, Code::Unavailable);
    EXPECT_NE(error.message.find("/nonexistent/folder/db.sqlite"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::db
