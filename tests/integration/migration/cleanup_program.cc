#include <cstdio>
#include <vector>

#include "migration/cleanup.h"

using namespace sallyport;

/// Takes fixed_key out of the files named.
int main(int count, char** arguments) {
    if (!open_secure_arena({.insecure_allow_unlocked_memory = true})) return 1;
    std::vector<migration::CleanupTarget> targets;
    for (int i = 1; i < count; ++i) targets.push_back({arguments[i], migration::ConfigOwner::Cinder});
    auto cleanup = migration::Cleanup::prepare(targets);
    const auto done = cleanup ? cleanup->run(system_clock().now()) : Result<void>(cleanup.error());
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return done ? 0 : 1;
}
