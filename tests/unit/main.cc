#include <gtest/gtest.h>

#include <cstdio>

#include "keymanager/base/secure_bytes.h"

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const auto opened = sallyport::open_secure_arena({.bytes = 4 * 1024 * 1024});
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    return RUN_ALL_TESTS();
}
