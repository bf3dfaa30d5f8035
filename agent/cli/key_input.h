#pragma once

#include <string>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::cli {

/// Where a command's key comes from; exactly one of them is given.
struct KeySource {
    std::string key_id;           ///< --key: the id (or ref) of a secret that the agent fetches
    std::string key_file;         ///< --key-file: raw key bytes; "-" is standard input
    std::string passphrase_file;  ///< --passphrase-file: a passphrase as it is (no newline is stripped)

    bool is_given() const { return !key_id.empty() || !key_file.empty() || !passphrase_file.empty(); }
    bool from_agent() const { return !key_id.empty(); }
    bool is_passphrase() const { return !passphrase_file.empty(); }
};

/// Adds --key, --key-file and --passphrase-file, of which exactly one must be given, to a verb.
/// `prefix` "new-" makes them --new-key, --new-key-file, --new-passphrase-file.
void add_key_options(CLI::App& verb, KeySource& source, const std::string& prefix = "");

/// The same where a key is not always needed: at most one.
void add_optional_key_options(CLI::App& verb, KeySource& source);

/// The bytes of a key file or passphrase file. Only when !from_agent().
Result<SecureBytes> read_key(const KeySource& source);

}  // namespace sallyport::cli
