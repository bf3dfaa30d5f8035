#include "agent/objects/care.h"

#include <gtest/gtest.h>

namespace sallyport::objects {
namespace {

TEST(Care, TheMomentAfterIsTheNextTickOfSwiftsClock) {
    EXPECT_EQ(*moment_after("1700000000.00000"), "1700000000.00001");
    EXPECT_EQ(*moment_after("1700000000.99999"), "1700000001.00000");
    for (const char* bad : {"", "1700000000", "1700000000.1", "x.00000", "1700000000.0000x"}) {
        EXPECT_EQ(moment_after(bad).error().code, Code::Corrupt) << bad;
    }
}

}  // namespace
}  // namespace sallyport::objects
