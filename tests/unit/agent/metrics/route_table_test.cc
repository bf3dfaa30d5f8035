#include "agent/metrics/route_table.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sallyport::metrics {
namespace {

const std::string& rest(std::string_view target) { return rest_routes().name(rest_routes().find(target)); }
const std::string& objects(std::string_view target) { return object_routes().name(object_routes().find(target)); }

constexpr std::string_view Id = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

TEST(RouteTable, AnIdBecomesItsPlace) {
    const std::string secret = "/v1/secrets/" + std::string(Id);
    EXPECT_EQ(rest(secret), "/v1/secrets/{secret}");
    EXPECT_EQ(rest(secret + "/payload"), "/v1/secrets/{secret}/payload");
    EXPECT_EQ(rest(secret + "/metadata/a%20key"), "/v1/secrets/{secret}/metadata/{key}");
    EXPECT_EQ(rest("/v1/orders/" + std::string(Id)), "/v1/orders/{order}");
}

TEST(RouteTable, QueriesAndEmptySegmentsDoNotCount) {
    EXPECT_EQ(rest("/v1/secrets?name=x/y&limit=2"), "/v1/secrets");
    EXPECT_EQ(rest("//v1///secrets/"), "/v1/secrets");
    EXPECT_EQ(rest("/"), "/");
    EXPECT_EQ(rest(""), "/");
}

TEST(RouteTable, AWordIsPreferredToAnyWord) {
    EXPECT_EQ(rest("/v1/secret-stores/preferred"), "/v1/secret-stores/preferred");
    EXPECT_EQ(rest("/v1/secret-stores/x"), "/v1/secret-stores/{store}");
}

TEST(RouteTable, WhatNobodyServesIsOther) {
    EXPECT_EQ(rest("/v1/nonsense"), "other");
    EXPECT_EQ(rest("/v1/secrets/x/payload/y"), "other");
    EXPECT_EQ(rest("/etc/passwd"), "other");
    EXPECT_EQ(rest("not a path"), "other");
}

TEST(RouteTable, TheRestIsTakenByOneTemplate) {
    EXPECT_EQ(objects("/v1/AUTH_x/c/o/with/slashes"), "/v1/{account}/{container}/{*}");
    EXPECT_EQ(objects("/v1/AUTH_x/c"), "/v1/{account}/{container}");
    EXPECT_EQ(objects("/v1/AUTH_x/"), "/v1/{account}");
    EXPECT_EQ(rest("/sallyport/v1/something/new"), "/sallyport/v1/{*}");
}

}  // namespace
}  // namespace sallyport::metrics
