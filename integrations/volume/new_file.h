#pragma once

#include <string>

#include "integrations/volume/file.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// A file that appears under its name whole, or not at all. Until `publish` it has no name (O_TMPFILE), so that a
/// killed process leaves nothing behind; on file systems without such files it is called `.NAME.UUID.part`, which the
/// next `create` of that name removes unless its writer lives.
/// Mode 0600. Moved; unpublished, it vanishes with its object.
class NewFile {
public:
    /// Error: `Refused` if `path` exists and may not be replaced, `InvalidInput` if it is no regular file, `NotFound`
    /// (the folder), `Forbidden`, `Io`.
    static Result<NewFile> create(const std::string& path, bool replace);

    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();

    File& file() { return file_; }

    /// Flushes it to disk and gives it its name, in one step. Error: `Refused` if the name was taken meanwhile; `Io`.
    Result<void> publish();

private:
    NewFile(File file, int folder, std::string path, std::string temporary, bool replace)
        : file_(std::move(file)),
          folder_(folder),
          path_(std::move(path)),
          temporary_(std::move(temporary)),
          replace_(replace) {}
    Result<void> give_temporary_name();

    File file_;
    int folder_ = -1;  ///< the folder's descriptor
    std::string path_;
    std::string temporary_;  ///< a name in the folder; empty: the file has none
    bool replace_ = false;
};

}  // namespace sallyport::volume
