#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

/// How secrets come to a command and leave it: files, pipes, a prompt without echo; never the command line.
/// Bytes go straight between a descriptor and locked memory (no stdio, no std::string in between).
namespace sallyport::cli {

/// More than any key or payload that a command takes.
inline constexpr std::size_t MaxSecretFileBytes = 1024 * 1024;

/// The raw bytes of a file, all of them; "-" is standard input.
/// Error: `Io` naming the file, `TooLarge` over `max_bytes`, `InvalidInput` if it is empty.
Result<SecureBytes> read_secret_file(const std::string& path, std::size_t max_bytes = MaxSecretFileBytes);

/// One line from the terminal (/dev/tty), not echoed, without its newline.
/// Error: `Io` if there is no terminal (say then which option takes a file).
Result<SecureBytes> prompt_for_secret(std::string_view prompt);

/// Where a secret goes: the new file `path` (mode 0600; one that exists is refused), or, with an empty path, standard
/// output, if that is a file or a pipe, or `reveal` says that a terminal is meant. A file is durable, with its name,
/// when this returns; one that could not be written whole is gone again. Error: `Conflict` if the file exists,
/// `Refused` for a terminal without `reveal`, `Io`.
Result<void> write_secret(const SecureBytes& secret, const std::string& path, bool reveal);

}  // namespace sallyport::cli
