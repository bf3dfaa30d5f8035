#pragma once

namespace sallyport {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

/// An invariant of our own (never of the input). Stays on in release builds: a key manager that is wrong about
/// itself stops. Say in a comment why the condition holds.
#define SALLYPORT_ASSERT(condition) \
    ((condition) ? static_cast<void>(0) : ::sallyport::assertion_failed(#condition, __FILE__, __LINE__))
