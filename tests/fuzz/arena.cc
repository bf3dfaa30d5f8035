#include <cstdio>

#include "keymanager/base/secure_bytes.h"

// libFuzzer calls this before the first input; so does replay.cc. Parsers put what they read into locked memory.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    const auto opened =
        sallyport::open_secure_arena({.bytes = 4 * 1024 * 1024, .insecure_allow_unlocked_memory = true});
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return opened ? 0 : 1;
}
