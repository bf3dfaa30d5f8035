#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "agent/cli/cli.h"

namespace {

/// Keys must not reach a core file, nor the memory of this process another process of the same user.
bool harden() {
    const rlimit no_core{0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) return false;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (!harden()) {
        std::perror("sallyport: cannot switch off core dumps");
        return 1;
    }
    // A peer that hangs up is an error of one write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    // So is a file that may not grow any more.
    std::signal(SIGXFSZ, SIG_IGN);
    return sallyport::cli::run_cli(argc, argv);
}
