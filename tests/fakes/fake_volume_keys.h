#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/guests/volume_keys.h"
#include "keymanager/base/bytes.h"

namespace sallyport::guests {

/// The keys of one project in memory. Passphrases are texts; a device opens with the one that it was given. Not
/// thread-safe.
class FakeVolumeKeys final : public VolumeKeys {
public:
    explicit FakeVolumeKeys(std::string project) : project_(std::move(project)) {}

    void add_key(const std::string& key, std::string text) { texts_[key] = std::move(text); }
    void remove_key(const std::string& key) { texts_.erase(key); }
    /// Keys of the volume, the likeliest first.
    void note(const std::string& volume, const std::vector<std::string>& keys) {
        notes_[volume].clear();
        for (const std::string& key : keys) notes_[volume].emplace_back(key);
    }
    /// The first; empty if there is none.
    std::string noted(const std::string& volume) {
        return notes_[volume].empty() ? std::string() : notes_[volume].front().str();
    }
    void add_device(const std::string& device, std::string text) { devices_[device] = std::move(text); }
    int tries() const { return tries_; }

    Result<std::vector<SecretId>> known(const core::Caller& caller, const libvirt::VolumeId& volume,
                                        const std::string& /*device*/) override {
        if (caller.project.str() != project_) return std::vector<SecretId>();
        return notes_[volume.str()];
    }
    Result<volume::Passphrase> passphrase(const core::Caller& caller, const SecretId& key) override {
        if (caller.project.str() != project_) return Error{Code::Forbidden, "not yours", {}};
        const auto found = texts_.find(key.str());
        if (found == texts_.end()) return Error{Code::NotFound, "no such secret", {}};
        return volume::Passphrase::from_key(*SecureBytes::copy_of(bytes_of(found->second)),
                                            volume::KeyKind::Passphrase);
    }
    std::optional<bool> opens(const std::string& device, const volume::Passphrase& passphrase) override {
        const auto found = devices_.find(device);
        if (found == devices_.end()) return std::nullopt;
        ++tries_;
        return found->second == sallyport::text_of(passphrase.text().reveal());
    }
    Result<void> remember(const core::Caller& /*caller*/, const libvirt::VolumeId& volume,
                          const SecretId& key) override {
        notes_[volume.str()] = {key};
        return {};
    }
    Result<void> forget(const core::Caller& /*caller*/, const libvirt::VolumeId& volume) override {
        notes_.erase(volume.str());
        return {};
    }

private:
    std::string project_;
    std::map<std::string, std::string> texts_;
    std::map<std::string, std::vector<SecretId>> notes_;
    std::map<std::string, std::string> devices_;
    int tries_ = 0;
};

}  // namespace sallyport::guests
