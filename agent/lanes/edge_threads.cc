#include "agent/lanes/edge_threads.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace sallyport::lanes {
namespace {

/// After so many looks at loops that lent nothing the watch sleeps until somebody lends.
constexpr int QuietLooksBeforeSleep = 100;

/// How many calls may run on top of each other on one stack.
constexpr int DeepestLending = 8;

thread_local EdgeLoop* current_loop = nullptr;
thread_local int lent_depth = 0;

void name_this_thread(const std::string& name) {
    // Fifteen characters are all that the kernel keeps; a longer name would be refused.
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

struct EdgeLoop::State {
    // One thread at a time runs it, but other threads post to it.
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    EdgeLoop handle{*this};
    EdgeThreads::State* edge = nullptr;

    /// The ticket of the call that holds the loop's thread now; 0: none does. Whoever changes it from a ticket to 0
    /// owns the loop: the thread that made the call, or the watch, which hands it to a spare.
    std::atomic<std::uint64_t> lent{0};
    /// Counts the calls. Written by the loop's owner only.
    std::atomic<std::uint64_t> tickets{0};

    void perform(Job& job);
};

struct EdgeThreads::State {
    explicit State(EdgeConfig settings) : config(settings) {}

    void start_thread(EdgeLoop::State* first);
    void run_threads_loops(EdgeLoop::State* loop);
    void watch();
    void hand_over(EdgeLoop::State& loop);

    EdgeConfig config;
    std::vector<std::unique_ptr<EdgeLoop::State>> loops;
    std::atomic<std::size_t> reserved{0};
    std::atomic<std::size_t> rescues{0};
    std::atomic<bool> watch_sleeps{false};

    std::mutex mutex;
    std::condition_variable spare_wanted;
    std::condition_variable watch_wanted;
    std::deque<EdgeLoop::State*> abandoned;  ///< loops that wait for a spare thread
    std::size_t idle_spares = 0;
    bool stopping = false;
    std::vector<std::thread> threads;
};

void EdgeLoop::State::perform(Job& job) {
    const std::uint64_t ticket = tickets.load(std::memory_order_relaxed) + 1;
    tickets.store(ticket, std::memory_order_relaxed);
    // Sequentially consistent with the watch's going to sleep: one of the two sees the other.
    lent.store(ticket);
    if (edge->watch_sleeps.load()) {
        const std::lock_guard lock(edge->mutex);
        edge->watch_wanted.notify_one();
    }
    job.execute();
    EdgeThreads::State& owner = *edge;
    std::uint64_t mine = ticket;
    if (lent.compare_exchange_strong(mine, 0)) {
        owner.reserved.fetch_sub(1, std::memory_order_relaxed);
        job.resume_here();
        return;
    }
    // A spare runs this loop by now; this thread is free to become one.
    current_loop = nullptr;
    owner.reserved.fetch_sub(1, std::memory_order_relaxed);
    job.resume();
}

EdgeLoop* EdgeLoop::current() { return current_loop; }

boost::asio::io_context& EdgeLoop::context() { return state_.context; }

bool EdgeLoop::reserve_spare() {
    std::atomic<std::size_t>& reserved = state_.edge->reserved;
    if (reserved.fetch_add(1, std::memory_order_relaxed) < state_.edge->config.spare_threads) return true;
    reserved.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

void EdgeLoop::lend(Job& job) {
    // The coroutine is suspended already, so the call may run right here, on top of it. What it resumes may lend again:
    // the depth is bounded, so that a client that pipelines without end cannot grow the stack.
    if (lent_depth < DeepestLending) {
        ++lent_depth;
        state_.perform(job);
        --lent_depth;
        return;
    }
    boost::asio::post(state_.context, [state = &state_, &job] { state->perform(job); });
}

/// Runs one loop after the other: its first, then any that it is handed as a spare.
void EdgeThreads::State::run_threads_loops(EdgeLoop::State* loop) {
    for (;;) {
        current_loop = &loop->handle;
        while (current_loop != nullptr && loop->context.run_one() != 0) {
        }
        if (current_loop == nullptr) {
            // What this thread posted while it still seemed to run the loop went to its own queue, which it has just
            // emptied into the loop's without waking anybody: the new owner may be asleep.
            boost::asio::post(loop->context, [] {});
        }
        current_loop = nullptr;
        std::unique_lock lock(mutex);
        ++idle_spares;
        spare_wanted.wait(lock, [this] { return stopping || !abandoned.empty(); });
        --idle_spares;
        if (stopping) return;
        loop = abandoned.front();
        abandoned.pop_front();
    }
}

void EdgeThreads::State::start_thread(EdgeLoop::State* first) {
    threads.emplace_back([this, first, number = threads.size()] {
        name_this_thread("edge-" + std::to_string(number));
        run_threads_loops(first);
    });
}

void EdgeThreads::State::hand_over(EdgeLoop::State& loop) {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    rescues.fetch_add(1, std::memory_order_relaxed);
    if (idle_spares > abandoned.size()) {
        abandoned.push_back(&loop);
        spare_wanted.notify_one();
    } else {
        // Never more than loops + spare_threads: each call that is lent has reserved its spare.
        start_thread(&loop);
    }
}

void EdgeThreads::State::watch() {
    name_this_thread("edge-watch");
    std::vector<std::uint64_t> lent_before(loops.size(), 0);
    std::vector<std::uint64_t> tickets_before(loops.size(), 0);
    int quiet_looks = 0;
    std::unique_lock lock(mutex);
    while (!stopping) {
        if (quiet_looks > QuietLooksBeforeSleep) {
            watch_sleeps.store(true);
            const bool somebody_lends =
                std::any_of(loops.begin(), loops.end(), [](auto& l) { return l->lent.load() != 0; });
            if (!somebody_lends) watch_wanted.wait(lock);
            watch_sleeps.store(false);
            quiet_looks = 0;
            continue;
        }
        watch_wanted.wait_for(lock, config.patience);
        if (stopping) return;
        lock.unlock();
        bool quiet = true;
        for (std::size_t i = 0; i < loops.size(); ++i) {
            EdgeLoop::State& loop = *loops[i];
            std::uint64_t ticket = loop.lent.load();
            const std::uint64_t tickets = loop.tickets.load(std::memory_order_relaxed);
            if (ticket != 0 && ticket == lent_before[i] && loop.lent.compare_exchange_strong(ticket, 0)) {
                hand_over(loop);
                ticket = 0;
            }
            if (ticket != 0 || tickets != tickets_before[i]) quiet = false;
            lent_before[i] = ticket;
            tickets_before[i] = tickets;
        }
        quiet_looks = quiet ? quiet_looks + 1 : 0;
        lock.lock();
    }
}

EdgeThreads::EdgeThreads(EdgeConfig config) : state_(std::make_unique<State>(config)) {
    std::size_t loops = config.loops;
    if (loops == 0) loops = std::max<std::size_t>(1, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < loops; ++i) {
        state_->loops.push_back(std::make_unique<EdgeLoop::State>());
        state_->loops.back()->edge = state_.get();
    }
}

EdgeThreads::~EdgeThreads() { stop(); }

void EdgeThreads::start() {
    const std::lock_guard lock(state_->mutex);
    for (auto& loop : state_->loops) state_->start_thread(loop.get());
    state_->threads.emplace_back([state = state_.get()] { state->watch(); });
}

void EdgeThreads::stop() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        threads.swap(state_->threads);
        state_->spare_wanted.notify_all();
        state_->watch_wanted.notify_all();
    }
    for (auto& loop : state_->loops) loop->context.stop();
    for (std::thread& thread : threads) thread.join();
}

bool EdgeThreads::is_running() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->threads.empty();
}

std::size_t EdgeThreads::size() const { return state_->loops.size(); }

boost::asio::io_context& EdgeThreads::context(std::size_t loop) { return state_->loops[loop]->context; }

std::size_t EdgeThreads::rescues() const { return state_->rescues.load(std::memory_order_relaxed); }

}  // namespace sallyport::lanes
