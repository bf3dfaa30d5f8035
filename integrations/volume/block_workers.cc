#include "integrations/volume/block_workers.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "keymanager/base/secure_bytes.h"

namespace sallyport::volume {
namespace {

constexpr std::size_t PageSize = 4096;
constexpr unsigned MostThreads = 32;
constexpr std::uint64_t ReportSize = 8 * 1024 * 1024;

/// Plain text of a volume passes through here; it is wiped when done. (Ordinary memory: it is the guest's data, not a
/// key, and lies in the source or destination in the clear anyway.)
class Buffer {
public:
    Buffer() : bytes_(static_cast<std::byte*>(std::aligned_alloc(PageSize, BlockSize))) {}
    ~Buffer() {
        if (bytes_ != nullptr) wipe({bytes_, BlockSize});
        std::free(bytes_);
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    bool exists() const { return bytes_ != nullptr; }
    std::span<std::byte> first(std::size_t size) { return {bytes_, size}; }

private:
    std::byte* bytes_;
};

/// What the threads of one call share.
class Run {
public:
    explicit Run(std::uint64_t total) : total_(total) {}

    void join_in() {
        const std::lock_guard lock(mutex_);
        ++running_;
    }

    /// A thread's whole life.
    void work(const BlockWorker& worker) noexcept {
        Buffer buffer;
        std::optional<Error> failed;
        if (!buffer.exists()) failed = Error{Code::Overloaded, "no memory for a block of a volume", {}};
        while (!failed && !stop_.load(std::memory_order_relaxed)) {
            const std::uint64_t at = next_.fetch_add(BlockSize, std::memory_order_relaxed);
            if (at >= total_) break;
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(BlockSize, total_ - at));
            if (auto done = worker(at, buffer.first(size)); !done)
                failed = done.error();
            else
                report(size);
        }
        leave(std::move(failed));
    }

    Result<void> watch(const Progress& progress) {
        std::unique_lock lock(mutex_);
        std::uint64_t shown = 0;
        for (;;) {
            changed_.wait(lock, [&] { return running_ == 0 || done_ > shown; });
            const std::uint64_t done = done_;
            if (progress && done > shown) {
                lock.unlock();
                progress(done, total_);
                lock.lock();
            }
            shown = done;
            if (running_ == 0 && done_ == shown) break;
        }
        if (failed_) return std::move(*failed_);
        return {};
    }

    void stop() { stop_.store(true, std::memory_order_relaxed); }

private:
    /// Waking the watcher costs more than the work on a block, so it is woken now and then.
    void report(std::size_t size) {
        const std::uint64_t before = finished_.fetch_add(size, std::memory_order_relaxed);
        if (before / ReportSize == (before + size) / ReportSize) return;
        {
            const std::lock_guard lock(mutex_);
            done_ = std::max(done_, before + size);
        }
        changed_.notify_one();
    }

    void leave(std::optional<Error> failed) {
        const std::lock_guard lock(mutex_);
        if (failed) stop();
        if (failed && !failed_) failed_ = std::move(failed);
        if (--running_ == 0) done_ = finished_.load(std::memory_order_relaxed);
        changed_.notify_one();
    }

    const std::uint64_t total_;
    std::atomic<std::uint64_t> next_{0};
    std::atomic<std::uint64_t> finished_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t done_ = 0;  ///< of finished_, what the watcher knows
    unsigned running_ = 0;
    std::optional<Error> failed_;
};

/// Joins on every way out: the threads use what lives on the caller's stack.
class Threads {
public:
    explicit Threads(Run& run) : run_(run) {}
    ~Threads() {
        for (std::thread& thread : threads_) thread.join();
    }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    /// False if the system has no more threads.
    bool start(const BlockWorker& worker) {
        try {
            threads_.emplace_back([this, &worker] { run_.work(worker); });
        } catch (const std::system_error&) {
            return false;
        }
        return true;
    }

private:
    Run& run_;
    std::vector<std::thread> threads_;
};

}  // namespace

Result<void> for_each_block(std::uint64_t total, unsigned threads,
                            const std::function<Result<BlockWorker>()>& make_worker, const Progress& progress) {
    const std::uint64_t blocks = (total + BlockSize - 1) / BlockSize;
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    threads = static_cast<unsigned>(std::min<std::uint64_t>({threads, MostThreads, blocks}));
    std::vector<BlockWorker> workers;
    for (unsigned i = 0; i < threads; ++i) workers.push_back(TRY(make_worker()));

    Run run(total);
    Threads running(run);
    for (const BlockWorker& worker : workers) {
        run.join_in();
        if (running.start(worker)) continue;
        // Fewer threads do it too; without any, this one does.
        run.work(worker);
        break;
    }
    return run.watch(progress);
}

}  // namespace sallyport::volume
