#include "migration/journal.h"

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "keymanager/base/durable.h"

namespace sallyport::migration {
namespace {

namespace json = boost::json;

struct StepName {
    Step step;
    std::string_view name;
};
constexpr std::array StepNames{StepName{Step::Intent, "intent"},   StepName{Step::Stored, "stored"},
                               StepName{Step::Link, "link"},       StepName{Step::Done, "done"},
                               StepName{Step::Dropped, "dropped"}, StepName{Step::Failed, "failed"},
                               StepName{Step::Run, "run"},         StepName{Step::End, "end"}};
constexpr std::size_t MostFailures = 100;

Error io_error(const std::string& path, const char* what) {
    return {Code::Io, fmt::format("the journal '{}' cannot be {}: {}", path, what, std::strerror(errno)), {}};
}

/// A crash may have left half a line: it announced nothing, since it was never flushed.
Result<void> cut_unfinished_line(int file, const std::string& path, off_t size) {
    off_t end = size;
    for (char last = 0; end > 0; --end) {
        if (::pread(file, &last, 1, end - 1) != 1) return io_error(path, "read");
        if (last == '\n') break;
    }
    if (end == size) return {};
    if (::ftruncate(file, end) != 0) return io_error(path, "cut at its last whole line");
    return {};
}

std::string line_of(const JournalEntry& entry) {
    json::object line{{"at", to_iso8601(entry.at)}, {"step", text_of(entry.step)}};
    if (!entry.row.empty()) line["row"] = entry.row;
    if (!entry.key_id.empty()) line["key"] = entry.key_id;
    if (!entry.note.empty()) line["note"] = entry.note;
    return json::serialize(line) + '\n';
}

std::string text_at(const json::object& line, std::string_view member) {
    const json::value* found = line.if_contains(member);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<JournalEntry> entry_from(const std::string& text) {
    json::error_code failed;
    const json::value parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return std::nullopt;
    const json::object& line = parsed.get_object();
    const auto at = parse_iso8601(text_at(line, "at"));
    const auto step = step_from(text_at(line, "step"));
    if (!at || !step) return std::nullopt;
    return JournalEntry{*at, *step, text_at(line, "row"), text_at(line, "key"), text_at(line, "note")};
}

void add(JournalSummary& summary, const JournalEntry& entry) {
    summary.last = entry.at;
    switch (entry.step) {
        case Step::Run:
            summary = JournalSummary{};
            summary.begun = summary.last = entry.at;
            summary.total = std::atol(entry.note.c_str());
            break;
        case Step::End:
            summary.ended = entry.at;
            summary.outcome = entry.note;
            break;
        case Step::Done: ++summary.done; break;
        case Step::Dropped: ++summary.dropped; break;
        case Step::Failed:
            ++summary.failed;
            if (summary.failures.size() < MostFailures) summary.failures[entry.row] = entry.note;
            break;
        case Step::Intent:
        case Step::Stored:
        case Step::Link: break;
    }
}

/// Whether somebody holds the lock that open() takes.
bool is_locked(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool locked = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(file);
    return locked;
}

}  // namespace

std::string_view text_of(Step step) { return std::ranges::find(StepNames, step, &StepName::step)->name; }

std::optional<Step> step_from(std::string_view text) {
    const auto* found = std::ranges::find(StepNames, text, &StepName::name);
    if (found == StepNames.end()) return std::nullopt;
    return found->step;
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return io_error(path, "opened");
    std::unique_ptr<Journal> journal(new Journal(file, path));
    struct stat facts {};
    if (::fstat(file, &facts) != 0) return io_error(path, "looked at");
    if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 022) != 0) {
        return Error{
            Code::Refused,
            fmt::format("the journal '{}' must be a regular file of this user that nobody else can write", path),
            {}};
    }
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        return Error{
            Code::Conflict,
            fmt::format("another process writes the journal '{}': wait for it, or look at it with status", path),
            {}};
    }
    TRY(cut_unfinished_line(file, path, facts.st_size));
    TRY(flush_folder_of(path));
    return journal;
}

Journal::~Journal() { ::close(file_); }

Result<void> Journal::write(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(file_, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return io_error(path_, "written");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> Journal::append(std::span<const JournalEntry> entries) {
    std::string text;
    for (const JournalEntry& entry : entries) text += line_of(entry);
    std::uint64_t mine = 0;
    {
        const std::lock_guard lock(writing_);
        TRY(write(text));
        mine = ++written_;
    }
    const std::lock_guard lock(flushing_);
    if (flushed_ >= mine) return {};
    std::uint64_t covered = 0;
    {
        const std::lock_guard count(writing_);
        covered = written_;
    }
    if (::fdatasync(file_) != 0) return io_error(path_, "flushed");
    flushed_ = covered;
    return {};
}

Result<JournalSummary> summarize_journal(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return Error{Code::NotFound, fmt::format("there is no journal '{}': no migration has begun here", path), {}};
    }
    JournalSummary summary;
    std::string line;
    for (long number = 1; std::getline(file, line); ++number) {
        const auto entry = entry_from(line);
        if (!entry && file.eof()) break;  // a line that is being written
        if (!entry) {
            return Error{Code::Corrupt, fmt::format("{}, line {}: this is no entry of a journal", path, number), {}};
        }
        add(summary, *entry);
    }
    summary.is_running = is_locked(path);
    return summary;
}

}  // namespace sallyport::migration
