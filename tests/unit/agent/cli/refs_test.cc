#include "agent/cli/refs.h"

#include <gmock/gmock.h>

namespace sallyport::cli {
namespace {

constexpr const char* Id = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

TEST(IdOf, TakesIdsAndRefs) {
    for (const char* const ref : {"", "http://127.0.0.1:9311/v1/secrets/", "https://[::1]:9311//v1/secrets/"}) {
        EXPECT_EQ(*id_of(std::string(ref) + Id, "secret"), Id) << ref;
        EXPECT_EQ(*id_of(std::string(ref) + Id + "/", "secret"), Id) << ref;
    }
}

TEST(IdOf, RefusesWhatIsNone) {
    for (const char* const text : {"", "/", "key", "../secrets", "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a1",
                                   "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11?x=1"}) {
        const auto id = id_of(text, "secret");
        ASSERT_FALSE(id.has_value()) << text;
        EXPECT_EQ(id.error().message, std::string(text) + " is not the id or ref of a secret");
    }
}

TEST(CopyField, GivesNullForWhatIsAbsent) {
    Record row;
    const boost::json::object answer = {{"name", "x"}};
    copy_field(row, "Name", answer, "name");
    copy_field(row, "Mode", answer, "mode");
    EXPECT_EQ(row.at("Name"), "x");
    EXPECT_TRUE(row.at("Mode").is_null());
}

}  // namespace
}  // namespace sallyport::cli
