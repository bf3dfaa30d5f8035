#pragma once

#include <memory>
#include <string>

#include "integrations/object/upstream.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

struct DirectoryConfig {
    std::string path;  ///< made if it is not there
};

/// Objects in a folder of this machine: for trials, tests, and a node that needs no cluster.
///
///     <path>/<account>/<container>/<object>/object.json      the metadata; names the data file
///     <path>/<account>/<container>/<object>/<id>.data        the body, as it came
///     <path>/<account>/<container>/.container.json           the container's metadata
///     <path>/.tmp/                                           what is being written; emptied on opening
///
/// A PUT switches by one rename of object.json, which names its data file: whatever kills the process, and whenever,
/// the old object is there whole or the new one is. A success is answered when data, metadata and folder are on the
/// disk (fsync). Differences from Swift: a PUT makes the containers that it needs; there are no quotas, ACLs or
/// versions.
///
/// One process at a time. Error: `Io`, `Refused` if another has it open.
Result<std::unique_ptr<Upstream>> make_directory_upstream(const DirectoryConfig& config,
                                                          const Clock& clock = system_clock());

/// The stored headers and size of one object, read beside a running agent.
struct StoredObject {
    Headers headers;
    std::uint64_t size = 0;
    std::string data_file;  ///< full path
};
/// `target`: "/v1/account/container/object", percent-encoded. Error: `NotFound`, `InvalidInput`, `Corrupt`, `Io`.
Result<StoredObject> inspect_directory(const DirectoryConfig& config, std::string_view target);

}  // namespace sallyport::object
