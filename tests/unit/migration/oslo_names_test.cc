#include "migration/oslo_names.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::migration {
namespace {

std::string places(std::string_view group, std::string_view name) {
    std::string all;
    for (const OptionName& place : places_of_option(group, name)) {
        all += (all.empty() ? "" : " ") + std::string(place.group) + "/" + std::string(place.name);
    }
    return all;
}

TEST(OsloNames, BeginWithTheOptionsOwn) {
    EXPECT_EQ(places("key_manager", "fixed_key"), "key_manager/fixed_key keymgr/fixed_key");
    EXPECT_EQ(places("key_manager", "backend"), "key_manager/backend key_manager/api_class");
    EXPECT_EQ(places("keystone_authtoken", "username"),
              "keystone_authtoken/username keystone_authtoken/user-name keystone_authtoken/user_name");
}

TEST(OsloNames, AreTheOnlyOnesOfOthers) {
    EXPECT_EQ(places("keymgr", "fixed_key"), "keymgr/fixed_key");
    EXPECT_EQ(places("DEFAULT", "host"), "DEFAULT/host");
}

TEST(OsloNames, HaveDefaultsWhereConnectionStringsReferToThem) {
    EXPECT_EQ(default_of_option("DEFAULT", "state_path"), "/var/lib/cinder");
    EXPECT_EQ(default_of_option("database", "state_path"), "");
}

}  // namespace
}  // namespace sallyport::migration
