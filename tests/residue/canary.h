#pragma once

#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"
#include "tests/residue/memory_scan.h"

namespace sallyport::residue {

/// A secret that nobody else has: 32 random bytes, made in locked memory.
inline SecureBytes make_canary() {
    auto canary = SecureBytes::of_size(32);
    SALLYPORT_ASSERT(canary.has_value());
    SALLYPORT_ASSERT(RAND_priv_bytes(uchar(canary->writable().data()), 32) == 1);
    return *std::move(canary);
}

/// The pieces one after another, in locked memory: how a request's body comes about without a copy of its secret.
inline SecureBytes joined(std::initializer_list<std::span<const std::byte>> pieces) {
    std::size_t size = 0;
    for (const auto piece : pieces) size += piece.size();
    auto whole = SecureBytes::of_size(size);
    SALLYPORT_ASSERT(whole.has_value());
    std::byte* end = whole->writable().data();
    for (const auto piece : pieces) {
        std::memcpy(end, piece.data(), piece.size());
        end += piece.size();
    }
    return *std::move(whole);
}

/// A folder of its own that goes with its owner.
class TemporaryFolder {
public:
    TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "sallyport-residue-XXXXXX") {
        SALLYPORT_ASSERT(mkdtemp(path_.data()) != nullptr);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// While the secrets' owners live.
inline void expect_in_the_arena_only(const std::vector<Needle>& needles) {
    EXPECT_EQ(to_text(outside_arena(scan(needles))), "") << "a copy lies outside the locked arena";
}
/// When they are gone.
inline void expect_nowhere(const std::vector<Needle>& needles) {
    EXPECT_EQ(to_text(scan(needles)), "") << "a copy outlived its owners";
}

}  // namespace sallyport::residue
