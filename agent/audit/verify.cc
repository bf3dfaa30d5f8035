#include "agent/audit/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <utility>

namespace sallyport::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view Start = "{\"seq\":";

struct LogFile {
    std::string path;
    std::uint64_t first = 0;  ///< by its first line's own word; only for the order
};

Result<LogFile> look_at(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{Code::Io, "cannot read " + path, {}};
    LogFile file{path, 0};
    std::string line;
    if (std::getline(in, line) && line.starts_with(Start)) {
        std::from_chars(line.data() + Start.size(), line.data() + line.size(), file.first);
    }
    return file;
}

/// The head records of the file, the later one of those whose seal verifies.
Result<std::optional<Link>> read_head_file(const std::string& path, Chain& chain) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::optional<Link>();
    std::optional<Link> last;
    std::array<char, Chain::HeadBytes> record{};
    while (in.read(record.data(), record.size())) {
        const auto link = chain.read_head({record.data(), record.size()});
        if (link && (!last || link->sequence > last->sequence)) last = link;
    }
    return last;
}

class Follower {
public:
    Follower(Chain& chain, std::optional<Link> head, std::optional<Link> anchor)
        : chain_(chain), head_(head), anchor_(anchor) {}

    /// False at the first line that is wrong.
    bool follow(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        std::size_t number = 0;
        for (std::string line; std::getline(in, line);) {
            ++number;
            // A line that is still being written has no end yet.
            if (in.eof() && !line.ends_with('}')) break;
            if (auto wrong = judge(line)) return stop(path, number, *std::move(wrong));
        }
        return true;
    }

    void judge_end(const std::string& file, bool compare_head) {
        if (verdict_.broken) return;
        if (compare_head && !head_) {
            stop(file, 0, "there is no head record with a seal that verifies: lines may be missing at the end");
        } else if (head_ && compare_head && head_->sequence > verdict_.last.sequence) {
            stop(file, 0,
                 fmt::format("the chain ends with {}, but its head record says {}: {} lines are missing at the end",
                             verdict_.last.sequence, head_->sequence, head_->sequence - verdict_.last.sequence));
        } else if (anchor_ && (anchor_->sequence > verdict_.last.sequence || anchor_->sequence < verdict_.first)) {
            stop(file, 0, fmt::format("the line {} that is known to have been there is not", anchor_->sequence));
        }
    }

    Verdict take() { return std::move(verdict_); }

private:
    std::optional<std::string> judge(const std::string& line) {
        const auto read = chain_.read(line);
        if (!read) return read.error().message;
        const auto& [link, previous] = *read;
        if (verdict_.lines > 0) {
            const std::uint64_t expected = verdict_.last.sequence + 1;
            if (link.sequence > expected) {
                return fmt::format("the lines {} to {} are missing before it", expected, link.sequence - 1);
            }
            if (link.sequence < expected) return fmt::format("it is number {} again", link.sequence);
            if (previous != verdict_.last.mac) return "it does not follow on the line before it";
        } else {
            verdict_.first = link.sequence;
            if (link.sequence == 1 && previous != Mac{}) return "the first line follows on another";
        }
        if (head_ && head_->sequence == link.sequence && head_->mac != link.mac) {
            return "the head record was sealed over another line of this number";
        }
        if (anchor_ && anchor_->sequence == link.sequence && anchor_->mac != link.mac) {
            return "another line of this number is known to have been there";
        }
        ++verdict_.lines;
        verdict_.last = link;
        if (line.find("\"event\":\"audit.re") != std::string::npos) ++verdict_.recoveries;
        return std::nullopt;
    }

    bool stop(const std::string& file, std::size_t line, std::string what) {
        verdict_.broken = Verdict::Break{file, line, std::move(what)};
        return false;
    }

    Chain& chain_;
    const std::optional<Link> head_;
    const std::optional<Link> anchor_;
    Verdict verdict_;
};

}  // namespace

Result<Verdict> verify_files(std::vector<std::string> files, Chain& chain, const VerifyOptions& options) {
    std::vector<LogFile> ordered;
    // A single one may be a pipe, which can be read but once.
    for (const std::string& path : files) {
        ordered.push_back(files.size() == 1 ? LogFile{path, 0} : TRY(look_at(path)));
    }
    if (files.size() == 1 && !std::ifstream(files.front())) return Error{Code::Io, "cannot read " + files.front(), {}};
    std::ranges::stable_sort(ordered, {}, [](const LogFile& file) {
        // An empty file has just been made by rotation.
        return file.first == 0 ? ~std::uint64_t{0} : file.first;
    });
    const bool compare_head = !options.head_file.empty();
    // First the head, then the lines: what is written meanwhile is behind both.
    const std::optional<Link> head = compare_head ? TRY(read_head_file(options.head_file, chain)) : std::optional<Link>();
    Follower follower(chain, head, options.anchor);
    for (const LogFile& file : ordered) {
        if (!follower.follow(file.path)) break;
    }
    follower.judge_end(ordered.empty() ? std::string() : ordered.back().path, compare_head);
    return follower.take();
}

std::vector<std::string> log_files(const std::string& file) {
    const fs::path path(file);
    const std::string name = path.filename().string();
    std::vector<std::string> found;
    std::error_code failed;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed)) {
        const std::string other = entry->path().filename().string();
        const bool is_rotated = other.size() > name.size() && other.starts_with(name) &&
                                (other[name.size()] == '.' || other[name.size()] == '-') &&
                                other.find_first_not_of("0123456789", name.size() + 1) == std::string::npos;
        if (other == name || is_rotated) found.push_back(entry->path().string());
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace sallyport::audit
