#include "integrations/object/metadata_limits.h"

#include <gtest/gtest.h>

#include "swift_vectors.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

/// The request that a vector's id speaks of. In all: names of a few letters with values of 256.
Headers request_of(const std::string& id, std::size_t count) {
    Headers headers;
    if (id == "meta-value-256") headers.add("X-Object-Meta-L", std::string(256, 'v'));
    if (id == "meta-value-257") headers.add("X-Object-Meta-L", std::string(257, 'v'));
    const std::size_t value = id.starts_with("meta-overall") ? 250 : 1;
    for (std::size_t i = 0; headers.size() < count; ++i) {
        headers.add("X-Object-Meta-N" + std::to_string(i), std::string(value, 'v'));
    }
    return headers;
}

TEST(MetadataLimits, AreSwifts) {
    for (const json::value& value : vectors::load("limits.json")) {
        const json::object& vector = value.as_object();
        const std::string id = vectors::text(vector, "id");
        SCOPED_TRACE(id);
        const auto refused = check_metadata(request_of(id, vector.at("count").to_number<std::size_t>()));
        EXPECT_EQ(refused ? refused->head.status : 201, vector.at("status").to_number<int>());
        EXPECT_EQ(refused ? refused->body : "", vectors::text(vector, "body"));
    }
}

TEST(MetadataLimits, CountNamesToo) {
    EXPECT_FALSE(check_metadata({{"X-Object-Meta-" + std::string(128, 'n'), "v"}}));
    EXPECT_EQ(check_metadata({{"X-Object-Meta-" + std::string(129, 'n'), "v"}})->head.status, 400);
    EXPECT_EQ(check_metadata({{"X-Object-Meta-", "v"}})->body, "Metadata name cannot be empty");
    EXPECT_EQ(check_metadata({{"X-Other", std::string(8193, 'v')}})->body, "Header value too long: X-Other");
}

}  // namespace
}  // namespace sallyport::object
