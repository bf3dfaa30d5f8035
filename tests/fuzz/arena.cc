#include <openssl/rand.h>

#include <cstdio>

#include "keymanager/base/secure_bytes.h"

// Of LeakSanitizer, where there is one.
extern "C" __attribute__((weak)) void __lsan_disable();
extern "C" __attribute__((weak)) void __lsan_enable();

namespace {

// OpenSSL keeps its random generators in the arena, where LeakSanitizer does not look: the ciphers that only they point
// to would count as leaked by whichever input needs the first random number.
bool make_random_generators() {
    unsigned char byte = 0;
    if (__lsan_disable != nullptr) __lsan_disable();
    const bool made = RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1;
    if (__lsan_enable != nullptr) __lsan_enable();
    return made;
}

}  // namespace

// libFuzzer calls this before the first input; so does replay.cc. Parsers put what they read into locked memory.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    const auto opened =
        sallyport::open_secure_arena({.bytes = 4 * 1024 * 1024, .insecure_allow_unlocked_memory = true});
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return opened && make_random_generators() ? 0 : 1;
}
