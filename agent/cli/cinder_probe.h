#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/volume_encryptor.h"
#include "migration/volume_probe.h"

namespace sallyport::cli {

/// The first of the paths, "{id}" replaced, under which there is something to read.
std::optional<std::string> volume_path(const std::vector<std::string>& patterns, const std::string& volume);

/// Looks at volumes that can be read from this machine, under paths that hold "{id}" in the place of the volume's id:
/// "/dev/cinder-volumes/volume-{id}". Only reads. Paths are tried in their order; a volume under none is out of reach.
class CinderProbe final : public migration::VolumeProbe {
public:
    explicit CinderProbe(std::vector<std::string> paths)
        : paths_(std::move(paths)), volumes_(volume::make_luks_encryptor()) {}

    Result<migration::ProbeResult> probe(const std::string& volume, const SecureBytes& key) override;

private:
    const std::vector<std::string> paths_;
    const std::unique_ptr<volume::VolumeEncryptor> volumes_;
};

}  // namespace sallyport::cli
