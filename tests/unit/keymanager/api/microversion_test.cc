#include "keymanager/api/microversion.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::api {
namespace {

/// "1.1", or the status of the refusal.
std::string version_for(const std::string& header) {
    Request request;
    request.headers.emplace_back("openstack-api-version", header);
    const auto version = microversion_of(request);
    if (const auto* problem = std::get_if<VersionProblem>(&version)) return std::to_string(problem->status);
    return std::get<Microversion>(version).text();
}

TEST(Microversion, IsTheLowestWithoutAHeader) {
    EXPECT_EQ(std::get<Microversion>(microversion_of({})).text(), "1.0");
    EXPECT_EQ(version_for("compute 2.1"), "1.0");
    EXPECT_EQ(version_for("key-manager"), "1.0");
    EXPECT_EQ(version_for(""), "1.0");
}

TEST(Microversion, ReadsTheLastEntryForTheKeyManager) {
    EXPECT_EQ(version_for("key-manager 1.1"), "1.1");
    EXPECT_EQ(version_for("key-manager latest"), "1.1");
    EXPECT_EQ(version_for("KEY-MANAGER  1.1"), "1.1");
    EXPECT_EQ(version_for("key-manager 1.1, compute 2.1"), "1.1");
    EXPECT_EQ(version_for("key-manager 1.1, key-manager 1.0"), "1.0");
    EXPECT_EQ(version_for("key-manager +01.1"), "1.1");
}

TEST(Microversion, TellsWhatIsNoVersionFromWhatIsNotServed) {
    for (const char* malformed : {"abc", "1", "1.x", "x.1", "1.0.0", "1.1 x", "LATEST"}) {
        EXPECT_EQ(version_for("key-manager " + std::string(malformed)), "400") << malformed;
    }
    for (const char* other : {"1.2", "2.0", "0.9", "1.-1", "1.99999999999999999999"}) {
        EXPECT_EQ(version_for("key-manager " + std::string(other)), "406") << other;
    }
}

}  // namespace
}  // namespace sallyport::api
