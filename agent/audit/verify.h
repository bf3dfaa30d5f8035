#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/audit/chain.h"
#include "keymanager/base/result.h"

namespace sallyport::audit {

struct Verdict {
    std::uint64_t lines = 0;
    std::uint64_t first = 0;  ///< sequence numbers
    Link last;
    std::uint64_t recoveries = 0;  ///< lines "audit.recovered" and "audit.resumed": each has a story
    /// What is wrong first, with its place; nothing if the chain is whole.
    struct Break {
        std::string file;
        std::size_t line = 0;  ///< 1 is the first; 0: the end of the chain
        std::string what;
    };
    std::optional<Break> broken;
};

struct VerifyOptions {
    std::string head_file;       ///< empty: the end of the chain is not compared with one
    std::optional<Link> anchor;  ///< a line that is known to have been there: its number and MAC
};

/// Reads the files in the order of their first lines and follows the chain through them.
/// Error: `Io` for a file that cannot be read. A broken chain is no error but a verdict.
Result<Verdict> verify_files(std::vector<std::string> files, Chain& chain, const VerifyOptions& options);

/// The log and the files beside it that rotation made of it: FILE, FILE.1, FILE-20261122 (not compressed ones).
std::vector<std::string> log_files(const std::string& file);

}  // namespace sallyport::audit
