#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "agent/audit/chain.h"
#include "agent/audit/event.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::audit {

/// What happens to a request when its line cannot be written.
enum class WhenUnwritable {
    Refuse,  ///< nothing that would need a line is done, and no key leaves
    Warn     ///< it is done; the log (of the process) says what is missing
};

struct AuditConfig {
    std::string file;      ///< appended to; made with mode 0640 if it is not there
    std::string key_file;  ///< empty: the chain has no key
    WhenUnwritable when_unwritable = WhenUnwritable::Refuse;
    std::chrono::milliseconds sync_every{1000};  ///< 0: each line is on the disk before its answer leaves
};

/// The audit log of this process, alone on its file.
///
/// A line is with the kernel when record() returns, so it survives the death of the process; it is on the disk
/// (fdatasync) within `sync_every`, so that a power cut takes the lines of the last moment at most. FILE.head holds the
/// sealed end of the chain: who cuts lines off the end cannot make a seal to match. Thread-safe.
class AuditLog {
public:
    /// Opens the file and goes on with its chain. What a crash left of a half-written line is cut off; a chain that
    /// does not end where the head record says gets a line "audit.recovered" and stays visibly broken. Error: `Io` for
    /// files that cannot be written, `Refused` for a key file that others may read, `Conflict` if another process
    /// writes there.
    static Result<std::unique_ptr<AuditLog>> open(AuditConfig config, const Clock& clock);
    ~AuditLog();

    /// Error: `Unavailable` if the line could not be written (also if the configuration says to warn only: the caller
    /// asks must_refuse()).
    Result<void> record(const Event& event);
    /// Before something is done that must not happen without a line. Error: `Unavailable` if the last line could not be
    /// written and still none can; always good if the configuration says to warn only.
    Result<void> admit();
    bool must_refuse() const;

    /// After the file was renamed: opens it anew under its name. The chain goes on in the new one.
    Result<void> reopen();
    Link end() const;

private:
    struct Impl;
    explicit AuditLog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// The chain's key from a file: its bytes without a line's end at the end, at least 32 of them. Empty path: no key.
/// Error: `Refused` if others may read it, `InvalidInput` if it is too short, `Io`.
Result<Chain> load_chain(const std::string& key_file);

/// Where the head record of that log is.
std::string head_path(const std::string& file);

}  // namespace sallyport::audit
