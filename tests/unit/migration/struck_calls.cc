#include "tests/unit/migration/struck_calls.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace sallyport::migration {
namespace {

std::atomic<long> calls = 0;
std::atomic<long> fatal = -1;  // not counted yet

void count_call() {
    if (fatal < 0) return;
    if (++calls == fatal) ::syscall(SYS_kill, ::getpid(), SIGKILL);
}

}  // namespace

void strike_at(long call) {
    calls = 0;
    fatal = call;
}

long calls_so_far() { return calls; }

}  // namespace sallyport::migration

// The linker lets these take the place of the C library's, in the libraries too.
using sallyport::migration::count_call;
extern "C" {
ssize_t write(int file, const void* bytes, size_t size) {
    count_call();
    return ::syscall(SYS_write, file, bytes, size);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
    count_call();
    return ::syscall(SYS_pwrite64, file, bytes, size, at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
    count_call();
    return ::syscall(SYS_pwrite64, file, bytes, size, at);
}
int fsync(int file) {
    count_call();
    return static_cast<int>(::syscall(SYS_fsync, file));
}
int fdatasync(int file) {
    count_call();
    return static_cast<int>(::syscall(SYS_fdatasync, file));
}
int ftruncate(int file, off_t size) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off64_t size) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}
int rename(const char* from, const char* to) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int unlink(const char* path) noexcept {
    count_call();
    return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
}
