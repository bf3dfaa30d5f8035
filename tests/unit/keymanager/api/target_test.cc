#include "keymanager/api/target.h"

#include <gtest/gtest.h>

namespace sallyport::api {
namespace {

model::Page page_for(const char* query) { return page_of(RequestTarget(std::string("/v1/secrets?") + query)); }

TEST(RequestTarget, TakesPathAndQueryApart) {
    const RequestTarget target("/v1//secr%65ts/?name=a%20b+c&limit=1&limit=2&flag&empty=");
    EXPECT_EQ(target.segments(), (std::vector<std::string>{"v1", "secrets"}));
    EXPECT_EQ(*target.parameter("name"), "a b c");
    EXPECT_EQ(*target.parameter("limit"), "2");
    EXPECT_NE(target.parameter("flag"), nullptr);
    EXPECT_FALSE(target.given("empty"));
    EXPECT_EQ(target.parameter("other"), nullptr);
    EXPECT_FALSE(target.is_garbled());
}

TEST(RequestTarget, KeepsAllOfAQueryButThePaging) {
    EXPECT_EQ(RequestTarget("/v1/secrets?limit=1&name=a+%26%C3%A9&flag&offset=2&sort=name:asc,created")
                  .query_besides_paging(),
              "&name=a%20%26%C3%A9&flag=&sort=name:asc,created");
    EXPECT_EQ(RequestTarget("/v1/secrets?offset=2").query_besides_paging(), "");
}

TEST(RequestTarget, NoticesWhatIsNoUtf8) {
    EXPECT_TRUE(RequestTarget("/v1/secrets?name=%ff").is_garbled());
    EXPECT_TRUE(RequestTarget("/v1/%ff").is_garbled());
    EXPECT_FALSE(RequestTarget("").is_garbled());
}

TEST(PageOf, ClampsAndFallsBack) {
    EXPECT_EQ(page_for("").limit, 10);
    EXPECT_EQ(page_for("limit=1000").limit, 100);
    EXPECT_EQ(page_for("limit=0").limit, 1);
    EXPECT_EQ(page_for("limit=-5").limit, 1);
    EXPECT_EQ(page_for("limit=abc").limit, 10);
    EXPECT_EQ(page_for("limit=").limit, 10);
    EXPECT_EQ(page_for("offset=3").offset, 3);
    EXPECT_EQ(page_for("offset=-1").offset, 0);
    EXPECT_EQ(page_for("offset=x").offset, 0);
    EXPECT_EQ(page_for("offset=99999999999999999999999").offset, 0);
}

}  // namespace
}  // namespace sallyport::api
