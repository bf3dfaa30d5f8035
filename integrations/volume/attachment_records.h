#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// What has to be known to undo an attach: written before its first step, removed after the last step of the detach.
/// Holds no secret.
struct AttachmentRecord {
    MappingName name;
    DevicePath device;      ///< below the mapping
    std::string link{};     ///< that was pointed to the mapping; empty: none
    std::string target{};   ///< of the link before
    bool complete = false;  ///< the attach came to its end
};

/// The records of one node: a file each, in a folder that only its owner may enter. One process at a time changes them:
/// whoever attaches or detaches holds the Lock.
class AttachmentRecords {
public:
    explicit AttachmentRecords(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Held by one process, and in it by one thread. Blocks while another has it.
    class Lock {
    public:
        Lock(Lock&& other) noexcept;
        Lock& operator=(Lock&&) = delete;
        ~Lock();

    private:
        friend AttachmentRecords;
        explicit Lock(int descriptor) : descriptor_(descriptor) {}
        int descriptor_;
    };
    /// Makes the folder where there is none. Error: `Forbidden`, `Io`.
    Result<Lock> lock() const;

    /// nullopt: there is none. Error: `Corrupt`, `Io`.
    Result<std::optional<AttachmentRecord>> find(const MappingName& name) const;
    /// Those that can be read; one that cannot is told to the log.
    std::vector<AttachmentRecord> all() const;
    /// In one step, and on the disk when it returns. Error: `Forbidden`, `Io`.
    Result<void> put(const AttachmentRecord& record) const;
    Result<void> remove(const MappingName& name) const;

private:
    std::filesystem::path path_of(const MappingName& name) const;

    std::filesystem::path folder_;
};

}  // namespace sallyport::volume
