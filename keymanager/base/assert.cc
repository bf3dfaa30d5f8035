#include "keymanager/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sallyport {

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "sallyport: invariant broken: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace sallyport
