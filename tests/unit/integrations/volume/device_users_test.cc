#include "integrations/volume/device_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace sallyport::volume {
namespace {

TEST(DeviceUsers, NameWhereADeviceIsMounted) {
    // The root file system's own number, which mountinfo gives whatever it lies on.
    std::ifstream in("/proc/self/mountinfo");
    std::string line, id, parent, number, root, point;
    std::getline(in, line);
    std::istringstream(line) >> id >> parent >> number >> root >> point;
    const std::size_t colon = number.find(':');
    const auto users =
        users_of_block_device(makedev(std::stoul(number.substr(0, colon)), std::stoul(number.substr(colon + 1))));
    EXPECT_THAT(users, testing::Contains(testing::StartsWith("mounted on /")));
}

TEST(DeviceUsers, AreNoneOfADeviceThatThereIsNot) { EXPECT_TRUE(users_of_block_device(makedev(4000, 12345)).empty()); }

TEST(DeviceUsers, OfAnOrdinaryFileAreNoLoopDevices) {
    struct stat status {};
    ASSERT_EQ(stat("/proc/self/exe", &status), 0);
    EXPECT_TRUE(loop_devices_of_file(status.st_dev, status.st_ino).empty());
}

TEST(DeviceUsers, AreJoinedWithCommas) {
    EXPECT_EQ(joined({}), "");
    EXPECT_EQ(joined({"a", "b"}), "a, b");
    EXPECT_EQ(joined({"a", "b"}, "; "), "a; b");
}

}  // namespace
}  // namespace sallyport::volume
