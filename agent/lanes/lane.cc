#include "agent/lanes/lane.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "agent/lanes/fiber.h"
#include "keymanager/base/shared_call.h"

namespace sallyport::lanes {

struct Lane::Pool {
    class Worker;

    explicit Pool(LaneConfig settings);
    ~Pool();

    /// How many calls may be inside, waiting or running.
    std::size_t room() const { return config.queue + config.threads * config.calls_a_thread; }
    Job* take_job();
    /// The lock is held.
    void wake_one();

    const LaneConfig config;
    mutable std::mutex mutex;
    std::condition_variable brief_done;
    Job* head = nullptr;
    Job* tail = nullptr;
    std::size_t depth = 0;
    std::size_t running = 0;
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
    bool closed = false;
    std::vector<Worker*> idle;  ///< who fell idle last is called first: its memory is warm
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;

    // Brief calls are counted without the lock: they would all meet there.
    std::atomic<std::size_t> brief_running{0};
    std::atomic<std::uint64_t> brief_count{0};
    std::atomic<bool> brief_closed{false};
};

/// One thread, and the calls that it has begun.
class Lane::Pool::Worker {
public:
    explicit Worker(Pool& pool) : pool_(pool) {}
    void work();
    /// The lock is held.
    void wake() { woken_.notify_one(); }

private:
    /// A place for one call at a time, on a stack of its own.
    class Seat final : public SharedCall {
    public:
        explicit Seat(Worker& worker) : worker_(worker), fiber_([this] { serve(); }) {}

        void begin(Job& job) {
            job_ = &job;
            may_pass_ = false;
        }
        /// Runs the call until it is done or waits; the job if it is done.
        Job* go_on();

        void park() override;
        void unpark() override;
        void yield() override;

    private:
        void serve();

        Worker& worker_;
        Job* job_ = nullptr;
        bool done_ = false;
        bool parked_ = false;
        bool may_pass_ = false;  ///< unpark() came before park()
        Fiber fiber_;
    };

    Job* run_next(std::unique_lock<std::mutex>& lock);
    Job* run(Seat& seat, std::unique_lock<std::mutex>& lock);
    Seat* next_seat();
    bool is_full() const { return busy_ >= pool_.config.calls_a_thread; }

    Pool& pool_;
    std::condition_variable woken_;
    std::size_t busy_ = 0;       ///< calls that have begun and are not done
    std::deque<Seat*> ready_;    ///< have been unparked
    std::deque<Seat*> yielded_;  ///< go on when nothing else can
    std::vector<Seat*> free_;
    std::vector<std::unique_ptr<Seat>> seats_;
};

Lane::Pool::Pool(LaneConfig settings) : config(std::move(settings)) {}
Lane::Pool::~Pool() = default;

Job* Lane::Pool::take_job() {
    Job* job = head;
    if (job == nullptr) return nullptr;
    head = job->next;
    if (head == nullptr) tail = nullptr;
    --depth;
    ++running;
    return job;
}

void Lane::Pool::wake_one() {
    if (idle.empty()) return;
    Worker* worker = idle.back();
    idle.pop_back();
    worker->wake();
}

void Lane::Pool::Worker::work() {
    pthread_setname_np(pthread_self(), pool_.config.name.substr(0, 15).c_str());
    std::unique_lock lock(pool_.mutex);
    for (;;) {
        const bool can_begin = pool_.head != nullptr && !is_full();
        if (can_begin || !ready_.empty() || !yielded_.empty()) {
            Job* job = run_next(lock);
            if (job == nullptr) continue;
            --pool_.running;
            --busy_;
            ++pool_.done;
            lock.unlock();
            job->resume();
            lock.lock();
        } else if (pool_.closed && busy_ == 0 && pool_.head == nullptr) {
            return;
        } else {
            if (!is_full()) pool_.idle.push_back(this);
            woken_.wait(lock);
            std::erase(pool_.idle, this);
        }
    }
}

/// Begins a call or goes on with one; the job if that is done. The lock is not held meanwhile.
Job* Lane::Pool::Worker::run_next(std::unique_lock<std::mutex>& lock) {
    if (pool_.config.calls_a_thread > 1) return run(*next_seat(), lock);
    Job* job = pool_.take_job();
    ++busy_;
    lock.unlock();
    job->execute();
    lock.lock();
    return job;
}

Job* Lane::Pool::Worker::run(Seat& seat, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    Job* job = seat.go_on();
    lock.lock();
    if (job != nullptr) free_.push_back(&seat);
    return job;
}

/// Calls that can be finished go first, then new ones, then those that wait for company.
Lane::Pool::Worker::Seat* Lane::Pool::Worker::next_seat() {
    const bool can_begin = pool_.head != nullptr && !is_full();
    if (ready_.empty() && can_begin) {
        if (free_.empty()) free_.push_back(seats_.emplace_back(std::make_unique<Seat>(*this)).get());
        Seat* seat = free_.back();
        free_.pop_back();
        seat->begin(*pool_.take_job());
        ++busy_;
        return seat;
    }
    std::deque<Seat*>& from = ready_.empty() ? yielded_ : ready_;
    Seat* seat = from.front();
    from.pop_front();
    return seat;
}

Job* Lane::Pool::Worker::Seat::go_on() {
    set_current(this);
    fiber_.enter();
    set_current(nullptr);
    if (!done_) return nullptr;
    done_ = false;
    return std::exchange(job_, nullptr);
}

void Lane::Pool::Worker::Seat::serve() {
    for (;;) {
        job_->execute();
        done_ = true;
        fiber_.leave();
    }
}

void Lane::Pool::Worker::Seat::park() {
    {
        const std::lock_guard lock(worker_.pool_.mutex);
        if (std::exchange(may_pass_, false)) return;
        parked_ = true;
    }
    // Only this thread goes on with it, so unpark() cannot be too early.
    fiber_.leave();
}

void Lane::Pool::Worker::Seat::unpark() {
    const std::lock_guard lock(worker_.pool_.mutex);
    if (!std::exchange(parked_, false)) {
        may_pass_ = true;
        return;
    }
    worker_.ready_.push_back(this);
    if (worker_.ready_.size() == 1) worker_.wake();
}

void Lane::Pool::Worker::Seat::yield() {
    {
        const std::lock_guard lock(worker_.pool_.mutex);
        worker_.yielded_.push_back(this);
    }
    fiber_.leave();
}

Lane::Lane(LaneConfig config) : pool_(std::make_shared<Pool>(std::move(config))) {
    const std::lock_guard lock(pool_->mutex);
    for (std::size_t i = 0; i < pool_->config.threads; ++i) {
        Pool::Worker* worker = pool_->workers.emplace_back(std::make_unique<Pool::Worker>(*pool_)).get();
        pool_->threads.emplace_back([worker] { worker->work(); });
    }
}

Lane::~Lane() { drain(); }

Error Lane::overloaded(const Pool& pool) {
    return Error{Code::Overloaded, "too many calls are waiting: try again later", "lane " + pool.config.name};
}

bool Lane::push(Pool& pool, Job& job) {
    const std::lock_guard lock(pool.mutex);
    if (pool.closed || pool.depth + pool.running >= pool.room()) {
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
    pool.wake_one();
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
    for (const auto& worker : pool_->workers) worker->wake();
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
