#include "agent/rest/rest_door.h"

#include <gtest/gtest.h>

namespace sallyport::rest {
namespace {

TEST(FindRoute, TakesTheLongestPrefixOfWholeSegments) {
    const std::vector<http::Route> routes = {{"/sallyport/v1/volumes", {}}, {"/sallyport/v1/volumes/special", {}}};
    EXPECT_EQ(find_route(routes, "/sallyport/v1/volumes"), &routes[0]);
    EXPECT_EQ(find_route(routes, "/sallyport/v1/volumes/open?x=1"), &routes[0]);
    EXPECT_EQ(find_route(routes, "/sallyport/v1/volumes?x=/special"), &routes[0]);
    EXPECT_EQ(find_route(routes, "/sallyport/v1/volumes/special/x"), &routes[1]);
}

TEST(FindRoute, FindsNothingBesideThem) {
    const std::vector<http::Route> routes = {{"/sallyport/v1/volumes", {}}};
    for (const std::string_view target :
         {"/", "/v1/secrets", "/sallyport/v1/volumesx", "/sallyport/v1", "", "/x/sallyport/v1/volumes"}) {
        EXPECT_EQ(find_route(routes, target), nullptr) << target;
    }
}

}  // namespace
}  // namespace sallyport::rest
