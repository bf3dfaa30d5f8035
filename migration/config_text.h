#pragma once

#include <string>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/file.h"

namespace sallyport::migration {

/// A configuration file, whole, in locked memory: it holds passwords, and often the fixed_key.
/// Unlike a file of ours it may belong to anybody and be readable to a group (cinder.conf is root:cinder 0640); it may
/// be a pipe, so that `<(ssh node2 cat /etc/nova/nova.conf)` leaves no copy on disk.
/// Error, naming the file: `NotFound`, `Io`, `TooLarge` (over 1 MiB).
Result<SecureBytes> read_config_text(const std::string& path);
/// The same of a file that is open, from where it stands; `path` is for messages.
Result<SecureBytes> read_config_text(const File& file, const std::string& path);

/// The files that `path` stands for: itself, or of a folder (`--config-dir`) its *.conf in the order of their names.
/// Error: `NotFound` if there is nothing, `Io`.
Result<std::vector<std::string>> config_files_at(const std::string& path);

}  // namespace sallyport::migration
