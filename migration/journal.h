#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::migration {

/// What a run of `apply` is about to do with a row, or has done.
enum class Step {
    Intent,   ///< is about to store its key
    Stored,   ///< its key is stored under `key_id`
    Link,     ///< is about to set the row's id to `key_id`
    Done,     ///< the row has the id, and its snapshots
    Dropped,  ///< its key was removed again: somebody else was quicker, or the row is gone
    Failed,   ///< nothing was changed; `note` says why
    Run,      ///< a run begins; `note`: how many rows it has to do
    End       ///< a run ended; `note`: how
};
/// "intent", "stored", …
std::string_view text_of(Step step);
std::optional<Step> step_from(std::string_view text);

struct JournalEntry {
    Timestamp at{};
    Step step = Step::Run;
    std::string row{};  ///< "volume ID", as in the key's name; empty for Run and End
    std::string key_id{};
    std::string note{};
};

/// What a run has been through, one line of JSON an entry, each flushed before the effect that it announces. It tells
/// people and `status` how far a migration is, and names every secret that was made. What has to be done next is read
/// from the database and the key manager, which know better: a journal that is lost costs nothing but that.
///
/// Mode 0600; holds ids and no secrets. Only one process writes at a time: a second one is refused. Thread-safe.
class Journal {
public:
    /// Opens it for writing, makes it if there is none, cuts off a line that a crash has left unfinished. Error:
    /// `Conflict` if another process writes it, `Refused` if it is no regular file of this user, `Io`.
    static Result<std::unique_ptr<Journal>> open(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Durable when it returns. Callers that come together share a flush. Error: `Io`; nothing may be done then that
    /// the entries announce.
    Result<void> append(std::span<const JournalEntry> entries);

private:
    Journal(int file, std::string path) : file_(file), path_(std::move(path)) {}
    Result<void> write(std::string_view text);

    const int file_;
    const std::string path_;
    std::mutex writing_;
    std::mutex flushing_;
    std::uint64_t written_ = 0;  // appends so far; under writing_
    std::uint64_t flushed_ = 0;  // of those: on the disk; under flushing_
};

/// How far the newest run is.
struct JournalSummary {
    std::optional<Timestamp> begun;  ///< nothing: there was no run
    std::optional<Timestamp> ended;
    Timestamp last{};
    std::string outcome{};  ///< of a run that has ended
    long total = 0;         ///< rows that the run has to do
    long done = 0;
    long failed = 0;
    long dropped = 0;
    bool is_running = false;                        ///< a process has it open for writing now
    std::map<std::string, std::string> failures{};  ///< by row: why; the first hundred
};
/// Error: `NotFound` if there is no journal, `Corrupt` naming the line if it is none.
Result<JournalSummary> summarize_journal(const std::string& path);

}  // namespace sallyport::migration
