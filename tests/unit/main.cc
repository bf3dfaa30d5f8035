#include <gtest/gtest.h>

#include <cstdio>

#include "keymanager/base/secure_bytes.h"

#ifdef __SANITIZE_THREAD__
/// glib's locks are futexes that ThreadSanitizer cannot see, and libvirt is built on them: what it reports inside the
/// two is about its own sight. Its runtime asks for this text.
extern "C" const char* __tsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "called_from_lib:libglib-2.0.so.0\n"
           "called_from_lib:libvirt.so.0\n";
}
#endif

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const auto opened = sallyport::open_secure_arena({.bytes = 4 * 1024 * 1024});
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    return RUN_ALL_TESTS();
}
