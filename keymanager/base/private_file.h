#pragma once

#include <cstddef>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport {

/// What a file that holds a secret is, for messages and limits.
struct PrivateFileKind {
    const char* what;           ///< "KEK file", "password file"
    std::size_t most_bytes;     ///< longer ones are no such secret
    bool follows_links = true;  ///< false: a symbolic link in its place is refused
};

/// A small file with a secret, whole, in locked memory and nowhere else.
///
/// It has to be a regular file of this process's user or of root, with mode 0400 or 0600: nobody else reads or changes
/// it. A systemd credential is let pass as well, which is root's with an access list for the unit's user (its mask
/// shows as 0440). All is asked of the open file, so what is read is what was looked at; a FIFO does not hang the
/// caller. Error, naming the file and what to do: `Io` if it cannot be opened or read, `Refused` by those rules,
/// `TooLarge`.
Result<SecureBytes> read_private_file(const std::string& path, const PrivateFileKind& kind);

}  // namespace sallyport
