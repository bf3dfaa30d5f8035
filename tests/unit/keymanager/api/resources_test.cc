#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "keymanager/base/bytes.h"
#include "tests/conformance/barbican/world.h"

// What of the resources is ours, and not in the recordings of tests/conformance/barbican.
namespace sallyport::api {
namespace {

using conformance::id_in;
using conformance::World;

constexpr const char* Id = "00000000-0000-4000-8000-000000000000";

boost::json::object body_of(const Response& response) {
    return boost::json::parse(text_of(response.body.reveal())).as_object();
}
std::string text_at(const Response& response, std::string_view name) {
    return std::string(body_of(response).at(name).as_string());
}
long total_of(const Response& response) { return body_of(response).at("total").to_number<long>(); }

TEST(Lists, LinksKeepFiltersAndSort) {
    World world;
    for (int i = 0; i < 3; ++i) world.send("a_creator", "POST", "/v1/secrets", R"({"name": "a b%&", "mode": "cbc"})");
    const auto page = world.send("a_creator", "GET", "/v1/secrets?sort=created:desc&name=a+b%2525%26&limit=1&offset=1");
    EXPECT_EQ(text_at(page, "next"),
              "http://127.0.0.1:9311/v1/secrets?limit=1&offset=2&sort=created:desc&name=a%20b%2525%26");
    EXPECT_EQ(text_at(page, "previous"),
              "http://127.0.0.1:9311/v1/secrets?limit=1&offset=0&sort=created:desc&name=a%20b%2525%26");
    const std::string next = text_at(page, "next").substr(World::BaseUrl.size());
    EXPECT_EQ(total_of(world.send("a_creator", "GET", next)), 3);
}

TEST(Lists, ANameIsNoPattern) {
    World world;
    world.send("a_creator", "POST", "/v1/secrets", R"({"name": "a_c"})");
    world.send("a_creator", "POST", "/v1/secrets", R"({"name": "abc"})");
    EXPECT_EQ(total_of(world.send("a_creator", "GET", "/v1/secrets?name=a_c")), 1);
    EXPECT_EQ(total_of(world.send("a_creator", "GET", "/v1/secrets?name=a%2525")), 0);
    EXPECT_EQ(total_of(world.send("a_creator", "GET", "/v1/secrets?name=%25")), 0);
}

TEST(Lists, OfConsumersHaveLinksToTheirPages) {
    World world;
    const std::string path = "/v1/containers/" +
                             id_in(world.send("a_creator", "POST", "/v1/containers", R"({"type": "generic"})")) +
                             "/consumers";
    for (const char* name : {"c", "a", "b"}) {
        const std::string consumer = R"({"URL": "u", "name": ")" + std::string(name) + "\"}";
        EXPECT_EQ(world.send("a_creator", "POST", path, consumer).status, 200);
    }
    const auto page = world.send("a_creator", "GET", path + "?limit=1&offset=1");
    EXPECT_EQ(body_of(page).at("consumers").at(0).at("name"), "b");
    EXPECT_EQ(text_at(page, "next"), std::string(World::BaseUrl) + path + "?limit=1&offset=2");
    EXPECT_EQ(text_at(page, "previous"), std::string(World::BaseUrl) + path + "?limit=1&offset=0");
}

TEST(Lists, OfProjectQuotasLinkToWhereTheyAre) {
    World world;
    for (const char* project : {"p", "q"}) {
        world.send("a_svcadmin", "PUT", std::string("/v1/project-quotas/") + project,
                   R"({"project_quotas": {"secrets": 1}})");
    }
    EXPECT_EQ(text_at(world.send("a_svcadmin", "GET", "/v1/project-quotas?limit=1"), "next"),
              "http://127.0.0.1:9311/v1/project-quotas?limit=1&offset=1");
}

TEST(Resources, AreTakenApartBelowTheirPathOnly) {
    World world;
    const std::string secret = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", "{}"));
    const std::string container =
        "/v1/containers/" + id_in(world.send("a_creator", "POST", "/v1/containers", R"({"type": "generic"})"));
    for (const std::string& path :
         {secret + "/payload/x", secret + "/metadata/a/b", secret + "/nothing", secret + "/consumers/" + Id + "/x",
          container + "/nothing", container + "/acl/x", std::string("/v1/quotas/x"), std::string("/v1/cas"),
          std::string("/v1/project-quotas/p/x"), std::string("/v1/consumers")}) {
        EXPECT_EQ(world.send("a_admin", "GET", path).status, 404) << path;
    }
    EXPECT_EQ(text_at(world.send("a_creator", "GET", secret + "/consumers/" + Id), "description"),
              "Consumer not found.");
    EXPECT_EQ(text_at(world.send("a_creator", "GET", container + "/consumers/x"), "description"),
              "Not Found. Provided consumer id is invalid.");
    EXPECT_EQ(world.send("a_creator", "POST", container + "/consumers/" + Id, "{}").status, 405);
    EXPECT_EQ(
        text_at(world.send("a_creator", "GET", "/v1/containers/00000000-0000-1000-8000-000000000000"), "description"),
        "Not Found. Provided container id is invalid.");
}

TEST(Resources, WhatTheColumnsCannotHoldIsTheClientsMistake) {
    World world;
    const std::string secret = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", "{}"));
    const std::string consumer =
        R"({"service": "s", "resource_type": "t", "resource_id": ")" + std::string(37, 'i') + "\"}";
    EXPECT_EQ(world.send("a_creator", "POST", secret + "/consumers", consumer).status, 400);
    for (const char* number : {"2147483648", "-2147483649", "1e30", "1.5"}) {
        const std::string quotas = R"({"project_quotas": {"secrets": )" + std::string(number) + "}}";
        EXPECT_EQ(world.send("a_svcadmin", "PUT", "/v1/project-quotas/p", quotas).status, 400) << number;
    }
    EXPECT_EQ(world.send("a_svcadmin", "PUT", "/v1/project-quotas/p", R"({"project_quotas": {"secrets": 2.0}})").status,
              204);
    const std::string key = R"({"transport_key": "k", "plugin_name": ")" + std::string(256, 'p') + "\"}";
    EXPECT_EQ(world.send("a_svcadmin", "POST", "/v1/transport_keys", key).status, 400);
}

TEST(Resources, AConsumerIsTakenAwayByItsProjectOrTheObjects) {
    World world;
    const std::string path = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", "{}"));
    const std::string list = R"({"read": {"users": [")" + World::user_id("b_creator") + "\"]}}";
    ASSERT_EQ(world.send("a_creator", "PUT", path + "/acl", list).status, 200);
    const char* consumer = R"({"service": "s", "resource_type": "t", "resource_id": "1"})";
    ASSERT_EQ(world.send("a_creator", "POST", path + "/consumers", consumer).status, 200);
    const auto refused = world.send("b_creator", "DELETE", path + "/consumers", consumer);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(text_at(refused, "description"), "Not Allowed. Sorry, only the creator of a consumer can delete it.");
    EXPECT_EQ(world.send("a_creator", "DELETE", path + "/consumers", consumer).status, 200);
}

TEST(Resources, KeyPairsAreMadeOnCurvesToo) {
    World world;
    for (const char* bits : {"256", "384", "521"}) {
        const auto made = world.send(
            "a_creator", "POST", "/v1/orders",
            R"({"type": "asymmetric", "meta": {"algorithm": "EC", "bit_length": )" + std::string(bits) + "}}");
        ASSERT_EQ(made.status, 202);
        const auto order = world.send("a_creator", "GET", "/v1/orders/" + id_in(made));
        EXPECT_EQ(text_at(order, "status"), "ACTIVE");
        const std::string container = text_at(order, "container_ref").substr(World::BaseUrl.size());
        EXPECT_EQ(body_of(world.send("a_creator", "GET", container)).at("secret_refs").as_array().size(), 2u);
    }
    const auto odd = world.send("a_creator", "POST", "/v1/orders",
                                R"({"type": "asymmetric", "meta": {"algorithm": "ec", "bit_length": 255}})");
    ASSERT_EQ(odd.status, 202);
    EXPECT_EQ(text_at(world.send("a_creator", "GET", "/v1/orders/" + id_in(odd)), "status"), "ERROR");
}

TEST(Resources, ConsumersShowFromMicroversionOneOneOn) {
    World world;
    const std::string path = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", "{}"));
    const char* consumer = R"({"service": "s", "resource_type": "t", "resource_id": "1"})";
    ASSERT_EQ(world.send("a_creator", "POST", path + "/consumers", consumer).status, 200);
    const auto later = [&world](const std::string& target) {
        return body_of(world.send("a_creator", "GET", target, "", {{"OpenStack-API-Version", "key-manager 1.1"}}));
    };
    EXPECT_EQ(later(path).at("consumers").as_array().size(), 1u);
    EXPECT_EQ(later("/v1/secrets").at("secrets").at(0).at("consumers").as_array().size(), 1u);
    EXPECT_FALSE(body_of(world.send("a_creator", "GET", path)).contains("consumers"));
}

}  // namespace
}  // namespace sallyport::api
