#pragma once

#include <string>

#include "keymanager/base/result.h"
#include "keymanager/crypto/fernet.h"

namespace sallyport::store {

/// The master key in a file: one line of 44 characters, read straight into locked memory.
/// The file is a regular one (no symbolic link), belongs to the process's user or to root, and nobody else may read
/// it: mode 0400 or 0600.
/// Error: `Refused` for loose modes, a strange owner and the key that old Barbicans have built in; `InvalidInput` for a
/// wrong length or alphabet; `Io` if it cannot be read. The message names the file, never what is in it.
Result<crypto::Fernet> read_kek_file(const std::string& path);

}  // namespace sallyport::store
