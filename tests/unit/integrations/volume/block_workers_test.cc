#include "integrations/volume/block_workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <vector>

namespace sallyport::volume {
namespace {

TEST(BlockWorkers, ReachEveryByteOnce) {
    constexpr std::uint64_t Total = 37 * BlockSize + 513;
    std::mutex mutex;
    std::set<std::uint64_t> begins;
    std::uint64_t bytes = 0;
    const auto make = [&]() -> Result<BlockWorker> {
        return BlockWorker([&](std::uint64_t at, std::span<std::byte> buffer) -> Result<void> {
            const std::lock_guard lock(mutex);
            EXPECT_EQ(at % BlockSize, 0u);
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096, 0u);
            EXPECT_TRUE(begins.insert(at).second);
            bytes += buffer.size();
            return {};
        });
    };
    for (const unsigned threads : {0u, 1u, 3u, 100u}) {
        begins.clear();
        bytes = 0;
        ASSERT_TRUE(for_each_block(Total, threads, make, {}));
        EXPECT_EQ(bytes, Total);
        EXPECT_EQ(begins.size(), 38u);
    }
}

TEST(BlockWorkers, StopAtTheFirstError) {
    std::atomic<unsigned> done{0};
    const auto make = [&]() -> Result<BlockWorker> {
        return BlockWorker([&](std::uint64_t at, std::span<std::byte>) -> Result<void> {
            if (at == 5 * BlockSize) return Error{Code::Io, "the disk is gone", {}};
            ++done;
            return {};
        });
    };
    const auto result = for_each_block(100'000 * std::uint64_t{BlockSize}, 2, make, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the disk is gone");
    EXPECT_LT(done.load(), 90'000u);
}

TEST(BlockWorkers, BeginNothingIfAWorkerCannotBeMade) {
    const auto make = []() -> Result<BlockWorker> { return Error{Code::InvalidInput, "no such cipher", {}}; };
    EXPECT_EQ(for_each_block(BlockSize, 0, make, {}).error().code, Code::InvalidInput);
}

TEST(BlockWorkers, TellOfGrowingNumbersUpToTheTotal) {
    constexpr std::uint64_t Total = 100 * BlockSize + 1;
    std::vector<std::uint64_t> seen;
    const auto make = []() -> Result<BlockWorker> {
        return BlockWorker([](std::uint64_t, std::span<std::byte>) -> Result<void> { return {}; });
    };
    ASSERT_TRUE(for_each_block(Total, 2, make, [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_EQ(total, Total);
        EXPECT_TRUE(seen.empty() || done > seen.back());
        seen.push_back(done);
    }));
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back(), Total);
}

TEST(BlockWorkers, HaveNothingToDoForNothing) {
    EXPECT_TRUE(for_each_block(0, 0, [] { return Result<BlockWorker>(BlockWorker()); }, {}));
}

}  // namespace
}  // namespace sallyport::volume
