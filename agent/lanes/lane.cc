#include "agent/lanes/lane.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace sallyport::lanes {

struct Lane::Pool {
    explicit Pool(LaneConfig settings) : config(std::move(settings)) {}

    void work() {
        pthread_setname_np(pthread_self(), config.name.substr(0, 15).c_str());
        std::unique_lock lock(mutex);
        for (;;) {
            job_waits.wait(lock, [this] { return head != nullptr || closed; });
            if (head == nullptr) return;
            Job* job = head;
            head = job->next;
            if (head == nullptr) tail = nullptr;
            --depth;
            ++running;
            lock.unlock();
            job->execute();
            lock.lock();
            --running;
            ++done;
            lock.unlock();
            job->resume();
            lock.lock();
        }
    }

    const LaneConfig config;
    mutable std::mutex mutex;
    std::condition_variable job_waits;
    std::condition_variable brief_done;
    Job* head = nullptr;
    Job* tail = nullptr;
    std::size_t depth = 0;
    std::size_t running = 0;
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
    bool closed = false;
    std::vector<std::thread> threads;

    // Brief calls are counted without the lock: they would all meet there.
    std::atomic<std::size_t> brief_running{0};
    std::atomic<std::uint64_t> brief_count{0};
    std::atomic<bool> brief_closed{false};
};

Lane::Lane(LaneConfig config) : pool_(std::make_shared<Pool>(std::move(config))) {
    const std::lock_guard lock(pool_->mutex);
    for (std::size_t i = 0; i < pool_->config.threads; ++i) {
        pool_->threads.emplace_back([pool = pool_.get()] { pool->work(); });
    }
}

Lane::~Lane() { drain(); }

Error Lane::overloaded(const Pool& pool) {
    return Error{Code::Overloaded, "too many calls are waiting: try again later", "lane " + pool.config.name};
}

bool Lane::push(Pool& pool, Job& job) {
    {
        const std::lock_guard lock(pool.mutex);
        if (pool.closed || pool.depth + pool.running >= pool.config.queue + pool.config.threads) {
            ++pool.refused;
            return false;
        }
        job.next = nullptr;
        if (pool.tail != nullptr) {
            pool.tail->next = &job;
        } else {
            pool.head = &job;
        }
        pool.tail = &job;
        ++pool.depth;
    }
    pool.job_waits.notify_one();
    return true;
}

bool Lane::begin_brief(Pool& pool) {
    pool.brief_running.fetch_add(1);
    if (!pool.brief_closed.load()) return true;
    end_brief(pool);
    return false;
}

void Lane::end_brief(Pool& pool) {
    pool.brief_count.fetch_add(1, std::memory_order_relaxed);
    if (pool.brief_running.fetch_sub(1) != 1 || !pool.brief_closed.load()) return;
    const std::lock_guard lock(pool.mutex);
    pool.brief_done.notify_all();
}

void Lane::close() {
    const std::lock_guard lock(pool_->mutex);
    pool_->closed = true;
    pool_->brief_closed.store(true);
    pool_->job_waits.notify_all();
}

void Lane::drain() {
    close();
    std::vector<std::thread> threads;
    {
        std::unique_lock lock(pool_->mutex);
        threads.swap(pool_->threads);
        pool_->brief_done.wait(lock, [this] { return pool_->brief_running.load() == 0; });
    }
    for (std::thread& thread : threads) thread.join();
}

const std::string& Lane::name() const { return pool_->config.name; }

LaneCounters Lane::counters() const {
    const std::lock_guard lock(pool_->mutex);
    return {.depth = pool_->depth,
            .running = pool_->running + pool_->brief_running.load(),
            .done = pool_->done + pool_->brief_count.load(std::memory_order_relaxed),
            .refused = pool_->refused};
}

}  // namespace sallyport::lanes
