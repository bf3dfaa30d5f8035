#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "keymanager/base/result.h"

namespace sallyport::volume {

/// How much one thread reads, works on and writes at a time: large enough for a disk, small enough for the processor's
/// cache, so that the plain text and the ciphertext of a block never go out to memory between the steps.
inline constexpr std::size_t BlockSize = 256 * 1024;

/// What one thread does with the block at `at`. The buffer is its own, aligned to a page, and holds anything.
using BlockWorker = std::function<Result<void>(std::uint64_t at, std::span<std::byte> buffer)>;

/// Told how far the work is; may be empty.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Cuts `total` bytes into blocks and has them worked on by as many threads as there are processors (`threads`: 0),
/// each with a worker of its own. Blocks are begun in their order, so that files are read and written nearly so.
///
/// Blocks until every thread has ended. The first error ends the work and is returned. Buffers are wiped. `progress` is
/// called on the calling thread alone, with growing numbers, and last with `total`.
Result<void> for_each_block(std::uint64_t total, unsigned threads,
                            const std::function<Result<BlockWorker>()>& make_worker, const Progress& progress);

}  // namespace sallyport::volume
