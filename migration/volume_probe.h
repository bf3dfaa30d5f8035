#pragma once

#include <string>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::migration {

/// What a volume's own header says of a key.
enum class ProbeResult {
    Opens,      ///< LUKS, and the key opens a key slot
    WrongKey,   ///< LUKS, and it opens none
    NeverUsed,  ///< no header, and nothing but zeros where one would be
    NoHeader,   ///< no header, but data
    OutOfReach  ///< the volume cannot be read from here
};

/// Looks at volumes without changing anything. Thread-safe; blocks for as long as a key slot takes.
class VolumeProbe {
public:
    virtual ~VolumeProbe() = default;

    /// `volume` is the id that the data goes by in Cinder. Error: what went wrong although the volume is in reach.
    virtual Result<ProbeResult> probe(const std::string& volume, const SecureBytes& key) = 0;
};

}  // namespace sallyport::migration
