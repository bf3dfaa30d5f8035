#include "agent/guests/key_manager_keys.h"

#include <algorithm>
#include <string>

#include "keymanager/core/consumers.h"

namespace sallyport::guests {
namespace {

constexpr auto ResourceType = "volume";
constexpr auto OurService = "sallyport-guests";

model::SecretConsumer our_consumer(const libvirt::VolumeId& volume) {
    return {OurService, ResourceType, volume.str(), {}, {}, {}};
}

}  // namespace

Result<std::vector<SecretId>> KeyManagerKeys::known(const core::Caller& caller, const libvirt::VolumeId& volume,
                                                    const std::string& device) {
    // What a rotation noted is truer than what was registered before it.
    std::vector<SecretId> keys = recorded(caller, device);
    for (SecretId& key : TRY(key_manager_.consumers().secrets_used_by(caller, ResourceType, volume.str()))) {
        if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
    }
    return keys;
}

std::vector<SecretId> KeyManagerKeys::recorded(const core::Caller& caller, const std::string& device) const {
    if (device.empty()) return {};
    const auto facts = volumes_->inspect(volume::DevicePath(device));
    if (!facts || !facts->luks) return {};
    const auto record = key_manager_.volumes().find(caller, model::VolumeUuid(facts->luks->uuid));
    if (!record || !*record) return {};
    std::vector<SecretId> keys;
    for (const auto& secret : {(*record)->secret, (*record)->next_secret}) {
        if (secret) keys.push_back(*secret);
    }
    return keys;
}

Result<volume::Passphrase> KeyManagerKeys::passphrase(const core::Caller& caller, const SecretId& key) {
    return passphrases_(caller, key);
}

std::optional<bool> KeyManagerKeys::opens(const std::string& device, const volume::Passphrase& passphrase) {
    if (device.empty()) return std::nullopt;
    const auto slot = volumes_->test(volume::DevicePath(device), passphrase);
    if (slot) return true;
    if (slot.error().code == Code::WrongKey) return false;
    return std::nullopt;
}

Result<void> KeyManagerKeys::remember(const core::Caller& caller, const libvirt::VolumeId& volume,
                                      const SecretId& key) {
    const model::SecretConsumer ours = our_consumer(volume);
    const std::vector<SecretId> noted = TRY(known(caller, volume, {}));
    // A write costs a flush of the disk; what is noted already is not written again.
    if (noted.size() == 1 && noted.front() == key) return {};
    // Of this key too: the latest registration counts, and one that is there already stays as old as it is.
    for (const SecretId& each : noted) {
        const auto removed = key_manager_.consumers().remove(caller, each, ours);
        // Cinder's note of it is not ours to take back.
        if (!removed && removed.error().code != Code::NotFound && removed.error().code != Code::Refused) {
            return removed.error();
        }
    }
    TRY(key_manager_.consumers().add(caller, key, ours));
    return {};
}

Result<void> KeyManagerKeys::forget(const core::Caller& caller, const libvirt::VolumeId& volume) {
    for (const SecretId& key : TRY(known(caller, volume, {}))) {
        const auto removed = key_manager_.consumers().remove(caller, key, our_consumer(volume));
        if (!removed && removed.error().code != Code::NotFound) return removed.error();
    }
    return {};
}

}  // namespace sallyport::guests
