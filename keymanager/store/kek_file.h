#pragma once

#include <string>

#include "keymanager/base/result.h"
#include "keymanager/crypto/fernet.h"

namespace sallyport::store {

/// What becomes of the key that Barbican up to 2024.2 has built in: everybody knows it.
enum class BuiltInKey {
    Refuse,
    ReadOnly  ///< it may open what an old Barbican left under it, so that this can be rewrapped
};

/// The master key in a file: one line of 44 characters, read straight into locked memory.
/// The file is a regular one (no symbolic link), belongs to the process's user or to root, and nobody else may read
/// it: mode 0400 or 0600.
/// Error: `Refused` for loose modes, a strange owner and the key that old Barbicans have built in; `InvalidInput` for a
/// wrong length or alphabet; `Io` if it cannot be read. The message names the file, never what is in it.
Result<crypto::Fernet> read_kek_file(const std::string& path, BuiltInKey built_in = BuiltInKey::Refuse);

/// True for a path, false for what the unit hands over.
bool is_kek_file(const std::string& source);

/// The master key from wherever the configuration says it is:
///   /a/path          a file, as above
///   credential:NAME  a systemd credential (LoadCredential=, LoadCredentialEncrypted=): a file in
///   $CREDENTIALS_DIRECTORY env:NAME         an environment variable of the unit. It is wiped from the environment of
///   this process once it was
///                    read, so it can be read once; a child never gets it.
/// Error: as above; `InvalidInput` if there is no such credential or variable.
Result<crypto::Fernet> read_kek(const std::string& source, BuiltInKey built_in = BuiltInKey::Refuse);

}  // namespace sallyport::store
