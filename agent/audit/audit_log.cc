#include "agent/audit/audit_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/metrics.h"
#include "keymanager/base/private_file.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::audit {
namespace {

Counter lines_written({"sallyport_audit_lines_total", "Lines of the audit log.", R"(result="written")"});
Counter lines_failed({"sallyport_audit_lines_total", "Lines of the audit log.", R"(result="failed")"});
Latency sync_time({"sallyport_audit_sync_duration_seconds", "fdatasync of the audit log."});

constexpr std::size_t LeastKeyBytes = 32;
constexpr PrivateFileKind KeyFile{.what = "audit key", .most_bytes = 4096};
/// Longer than any line: texts are bounded, and so are their number.
constexpr off_t LongestLine = 64 * 1024;
/// Two head records, written in turn: whenever the process dies one of them is whole.
constexpr std::size_t HeadSlots = 2;

Error io_error(const std::string& what) { return {Code::Io, fmt::format("{}: {}", what, std::strerror(errno)), {}}; }

class File {
public:
    File() = default;
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const { return descriptor_; }

private:
    int descriptor_ = -1;
};

Result<File> open_for_append(const std::string& path) {
    File file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (file.get() < 0) return io_error("cannot open the audit log " + path);
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return Error{Code::Io, "the audit log " + path + " is no regular file", {}};
    }
    return file;
}

/// The head record, in memory that is the file: storing it costs no call, and it survives the process.
class HeadFile {
public:
    HeadFile() = default;
    HeadFile(HeadFile&& other) noexcept : file_(std::move(other.file_)), text_(std::exchange(other.text_, nullptr)) {}
    HeadFile& operator=(HeadFile&&) = delete;
    ~HeadFile() {
        if (text_ != nullptr) ::munmap(text_, Bytes);
    }

    static Result<HeadFile> open(const std::string& path) {
        HeadFile head;
        head.file_ = File(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
        if (head.file_.get() < 0) return io_error("cannot open the audit log's head record " + path);
        // Held as long as this process lives.
        if (::flock(head.file_.get(), LOCK_EX | LOCK_NB) != 0) {
            return Error{Code::Conflict, "another process writes the audit log of " + path, {}};
        }
        // Room on the disk now: a page that finds none later would end the process.
        if (const int failed = ::posix_fallocate(head.file_.get(), 0, Bytes); failed != 0) {
            errno = failed;
            return io_error("cannot make the audit log's head record " + path);
        }
        void* const at = ::mmap(nullptr, Bytes, PROT_READ | PROT_WRITE, MAP_SHARED, head.file_.get(), 0);
        if (at == MAP_FAILED) return io_error("cannot map the audit log's head record " + path);
        head.text_ = static_cast<char*>(at);
        return head;
    }

    std::optional<Link> read(Chain& chain) const {
        std::optional<Link> last;
        for (std::size_t slot = 0; slot < HeadSlots; ++slot) {
            const auto link = chain.read_head({text_ + slot * Chain::HeadBytes, Chain::HeadBytes});
            if (link && (!last || link->sequence > last->sequence)) last = link;
        }
        return last;
    }
    bool is_blank() const {
        return std::all_of(text_, text_ + Bytes, [](char c) { return c == '\0'; });
    }

    Result<void> write(Chain& chain, const Link& link) {
        const auto record = TRY(chain.head(link));
        std::memcpy(text_ + (link.sequence % HeadSlots) * Chain::HeadBytes, record.data(), record.size());
        return {};
    }
    void sync() const { ::msync(text_, Bytes, MS_SYNC); }

private:
    static constexpr std::size_t Bytes = HeadSlots * Chain::HeadBytes;
    File file_;
    char* text_ = nullptr;
};

/// The last lines of the file, as far as they are needed: the last whole one, and how much of one stands behind it.
struct Tail {
    std::string last_line;
    off_t half_line = 0;
    bool is_empty = true;
};

Result<Tail> read_tail(int file) {
    const off_t size = ::lseek(file, 0, SEEK_END);
    if (size < 0) return io_error("cannot look at the audit log");
    const off_t begin = std::max<off_t>(0, size - 2 * LongestLine);
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t got =
            ::pread(file, text.data() + filled, text.size() - filled, begin + static_cast<off_t>(filled));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return io_error("cannot read the audit log");
        filled += static_cast<std::size_t>(got);
    }
    Tail tail;
    tail.is_empty = size == 0;
    const std::size_t end = text.rfind('\n');
    const std::size_t whole = end == std::string::npos ? 0 : end + 1;
    tail.half_line = static_cast<off_t>(text.size() - whole);
    if (whole > 0) {
        const std::size_t before = whole >= 2 ? text.rfind('\n', whole - 2) : std::string::npos;
        const std::size_t from = before == std::string::npos ? 0 : before + 1;
        tail.last_line = text.substr(from, whole - 1 - from);
    }
    return tail;
}

Result<SecureBytes> read_key(const std::string& path) {
    SecureBytes key = TRY(read_private_file(path, KeyFile));
    std::size_t size = key.size();
    while (size > 0 && (key.writable()[size - 1] == std::byte{'\n'} || key.writable()[size - 1] == std::byte{'\r'}))
        --size;
    key.truncate(size);
    if (size >= LeastKeyBytes) return key;
    return Error{Code::InvalidInput,
                 fmt::format("the audit key {} is shorter than {} bytes (make one: openssl rand -base64 48 -out {})",
                             path, LeastKeyBytes, path),
                 {}};
}

}  // namespace

std::string head_path(const std::string& file) { return file + ".head"; }

Result<Chain> load_chain(const std::string& key_file) {
    if (key_file.empty()) return Chain::make({});
    const SecureBytes key = TRY(read_key(key_file));
    return Chain::make(key.reveal());
}

struct AuditLog::Impl {
    Impl(AuditConfig settings, const Clock& time, Chain ours, File opened, HeadFile record)
        : config(std::move(settings)),
          clock(time),
          chain(std::move(ours)),
          file(std::move(opened)),
          head(std::move(record)) {}

    const AuditConfig config;
    const Clock& clock;

    mutable std::mutex mutex;  // guards what follows
    Chain chain;
    File file;
    HeadFile head;
    Link link;
    std::string line;
    bool dirty = false;
    std::uint64_t missing = 0;  ///< lines that could not be written since the last that could
    bool stopping = false;
    std::condition_variable stop;
    std::atomic<bool> healthy{true};
    std::thread syncer;

    Result<void> write_line() {
        std::size_t done = 0;
        while (done < line.size()) {
            const ssize_t n = ::write(file.get(), line.data() + done, line.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) break;
            done += static_cast<std::size_t>(n);
        }
        if (done == line.size()) return {};
        Error error = io_error("cannot write the audit log " + config.file);
        struct stat facts {};
        // Half a line must not stay: the next one would be unreadable with it.
        if (done > 0 && ::fstat(file.get(), &facts) == 0 &&
            ::ftruncate(file.get(), facts.st_size - static_cast<off_t>(done)) != 0) {
            error.detail = "half a line stays in it";
        }
        error.code = Code::Unavailable;
        return error;
    }

    /// Under the lock.
    Result<void> append(const Event& event) {
        line.clear();
        const std::uint64_t sequence = link.sequence + 1;
        append_event(line, sequence, clock.now(), event);
        const Link next = TRY(chain.seal(line, sequence, link.mac));
        if (auto written = write_line(); !written) {
            lines_failed.add();
            ++missing;
            if (healthy.exchange(false)) log_error("audit: {} {}", written.error().message, written.error().detail);
            return written;
        }
        lines_written.add();
        link = next;
        dirty = true;
        // The line is there already: a head that lags behind costs the proof that this line was the last.
        if (auto sealed = head.write(chain, link); !sealed) log_error("audit: {}", sealed.error().message);
        if (config.sync_every.count() == 0) TRY(sync());
        return {};
    }

    /// Under the lock.
    Result<void> sync() {
        dirty = false;
        const auto begun = std::chrono::steady_clock::now();
        const bool done = ::fdatasync(file.get()) == 0;
        sync_time.observe(std::chrono::steady_clock::now() - begun);
        head.sync();
        if (done) return {};
        Error error = io_error("cannot flush the audit log " + config.file);
        error.code = Code::Unavailable;
        healthy = false;
        log_error("audit: {}", error.message);
        return error;
    }

    /// Flushes without the lock: a disk that takes its time holds up nobody.
    void sync_in_background() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            stop.wait_for(lock, config.sync_every, [this] { return stopping; });
            if (!dirty) continue;
            dirty = false;
            const File same(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
            lock.unlock();
            const auto begun = std::chrono::steady_clock::now();
            const bool done = ::fdatasync(same.get()) == 0;
            sync_time.observe(std::chrono::steady_clock::now() - begun);
            if (!done && healthy.exchange(false))
                log_error("audit: cannot flush {}: {}", config.file, std::strerror(errno));
            head.sync();
            lock.lock();
        }
    }

    /// Where the chain goes on, and what to say of it.
    std::optional<std::string> resume(const Tail& tail) {
        const std::optional<Link> sealed = head.read(chain);
        std::optional<Link> written;
        std::optional<std::string> complaint;
        if (!tail.last_line.empty()) {
            if (const auto read = chain.read(tail.last_line)) {
                written = read->link;
            } else {
                complaint = "the last line does not verify: " + read.error().message;
            }
        }
        if (!sealed && !head.is_blank()) complaint = "the head record's seal does not verify";
        if (!sealed && head.is_blank() && !tail.is_empty) complaint = "the head record is gone";
        if (sealed && written && sealed->sequence > written->sequence) {
            complaint =
                fmt::format("the head record says {}, the file ends with {}", sealed->sequence, written->sequence);
        }
        if (sealed) link = *sealed;
        if (written && (!sealed || written->sequence > sealed->sequence)) link = *written;
        return complaint;
    }
};

AuditLog::AuditLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AuditLog::~AuditLog() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->stop.notify_all();
    if (impl_->syncer.joinable()) impl_->syncer.join();
    const std::lock_guard lock(impl_->mutex);
    static_cast<void>(impl_->sync());  // it has said what is wrong
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(AuditConfig config, const Clock& clock) {
    Chain chain = TRY(load_chain(config.key_file));
    HeadFile head = TRY(HeadFile::open(head_path(config.file)));
    File file = TRY(open_for_append(config.file));
    const Tail tail = TRY(read_tail(file.get()));
    auto impl = std::make_unique<Impl>(std::move(config), clock, std::move(chain), std::move(file), std::move(head));
    auto log = std::unique_ptr<AuditLog>(new AuditLog(std::move(impl)));
    Impl& ours = *log->impl_;
    std::optional<std::string> complaint = ours.resume(tail);
    if (tail.half_line > 0) {
        // It was never acknowledged: its answer did not leave.
        const off_t size = ::lseek(ours.file.get(), 0, SEEK_END);
        if (::ftruncate(ours.file.get(), size - tail.half_line) != 0) return io_error("cannot mend the audit log");
        if (!complaint) complaint = fmt::format("{} bytes of a half-written line were cut off", tail.half_line);
    }
    if (complaint) {
        log_error("audit: {}: {}", ours.config.file, *complaint);
        TRY(log->record(
            {.name = "audit.recovered", .outcome = Outcome::Failed, .id = {}, .facts = {{"why", *complaint}}}));
    }
    if (ours.config.sync_every.count() > 0) {
        ours.syncer = std::thread([&ours] { ours.sync_in_background(); });
    }
    return log;
}

Result<void> AuditLog::record(const Event& event) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->missing > 0) {
        const std::string missing = std::to_string(impl_->missing);
        TRY(impl_->append({.name = "audit.resumed", .id = {}, .facts = {{"missing_lines", missing}}}));
        impl_->missing = 0;
        impl_->healthy = true;
    }
    return impl_->append(event);
}

Result<void> AuditLog::admit() {
    if (impl_->healthy.load(std::memory_order_relaxed) || !must_refuse()) return {};
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t missing = impl_->missing;
    const std::string text = std::to_string(missing);
    auto resumed = impl_->append({.name = "audit.resumed", .id = {}, .facts = {{"missing_lines", text}}});
    // Nothing has happened that this line would have told of.
    impl_->missing = resumed ? 0 : missing;
    if (resumed) impl_->healthy = true;
    return resumed;
}

bool AuditLog::must_refuse() const { return impl_->config.when_unwritable == WhenUnwritable::Refuse; }

Result<void> AuditLog::reopen() {
    File fresh = TRY(open_for_append(impl_->config.file));
    const std::lock_guard lock(impl_->mutex);
    // What is in the old file must be on the disk before anybody archives it.
    static_cast<void>(impl_->sync());
    impl_->file = std::move(fresh);
    return {};
}

Link AuditLog::end() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->link;
}

}  // namespace sallyport::audit
