#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::store {

/// How new payloads are written. Both are read, row by row.
enum class Envelope {
    Bound,    ///< AES-256-GCM; associated data: secret id, project id, KEK id
    Barbican  ///< Fernet, as Barbican's simple_crypto writes, while a real Barbican shares the database
};

struct SimpleCryptoConfig {
    std::string name = "Software";
    /// A master key each, 44 characters of urlsafe base64; the first writes, all read. See read_kek() for what may
    /// stand here.
    std::vector<std::string> kek_files;
    Envelope envelope = Envelope::Bound;
};

/// Reads the KEK files (mode 0400 or 0600, owned by the process's user or root) and builds the store.
/// Error: `Refused` for loose modes, `InvalidInput` for a wrong length or alphabet: the message names the file.
Result<std::unique_ptr<SecretStore>> make_simple_crypto(const SimpleCryptoConfig& config, const Clock& clock);

}  // namespace sallyport::store
