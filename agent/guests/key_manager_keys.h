#pragma once

#include <functional>
#include <memory>

#include "agent/guests/volume_keys.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::guests {

/// The keys of a volume are the secrets whose consumers (resource type "volume", resource id the volume's) say so,
/// whoever registered those: Cinder for a volume that it made, `remember` for one that was injected. Before them come
/// the keys of the key manager's record of the device's LUKS volume: `volume rotate` notes them there.
///
/// `passphrases` fetches a key with a caller's rights, and writes the audit log. All must outlive this.
class KeyManagerKeys final : public VolumeKeys {
public:
    using Passphrases = std::function<Result<volume::Passphrase>(const core::Caller&, const SecretId&)>;

    KeyManagerKeys(core::KeyManager& key_manager, Passphrases passphrases)
        : key_manager_(key_manager), passphrases_(std::move(passphrases)), volumes_(volume::make_luks_encryptor()) {}

    Result<std::vector<SecretId>> known(const core::Caller& caller, const libvirt::VolumeId& volume,
                                        const std::string& device) override;
    Result<volume::Passphrase> passphrase(const core::Caller& caller, const SecretId& key) override;
    std::optional<bool> opens(const std::string& device, const volume::Passphrase& passphrase) override;
    Result<void> remember(const core::Caller& caller, const libvirt::VolumeId& volume, const SecretId& key) override;
    Result<void> forget(const core::Caller& caller, const libvirt::VolumeId& volume) override;

private:
    std::vector<SecretId> recorded(const core::Caller& caller, const std::string& device) const;

    core::KeyManager& key_manager_;
    Passphrases passphrases_;
    std::unique_ptr<volume::VolumeEncryptor> volumes_;
};

}  // namespace sallyport::guests
