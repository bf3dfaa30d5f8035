#pragma once

#include <string>

#include "keymanager/base/result.h"

namespace sallyport {

/// Makes the name `path` durable: flushes the folder that it stands in. fsync(2) of a new file alone does not keep its
/// name through a power cut. Error: `Io`.
Result<void> flush_folder_of(const std::string& path);

}  // namespace sallyport
