#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "integrations/volume/volume_encryptor.h"

namespace sallyport::volume {

/// Volumes in memory, which keep the promises of volume_encryptor.h (the conformance suite runs on them) and break when
/// told to. A device has to be added before it exists. Thread-compatible.
class FakeVolumeEncryptor final : public VolumeEncryptor {
public:
    /// A device that is blank, or holds something else than a volume.
    void add_device(const DevicePath& device, Content content = Content::Blank) {
        devices_[device].facts = {
            .size = std::uint64_t{64} << 20, .content = content, .what = std::string(text_of(content))};
    }
    /// The next call fails with this.
    void fail_next(Error error) { fault_ = std::move(error); }

    Result<VolumeFacts> inspect(const DevicePath& device) const override {
        const Held* held = TRY(find(device));
        return held->facts;
    }

    Result<VolumeFacts> format(const DevicePath& device, const Passphrase& passphrase,
                               const FormatOptions& options) override {
        TRY(fault());
        const Held* there = TRY(find(device));
        if (is_mapped(device)) return Error{Code::Conflict, device.str() + " is in use", {}};
        if (options.profile == UnlockProfile::RandomKey && passphrase.random_bits() < 256) {
            return Error{Code::Refused, "use profile passphrase", {}};
        }
        if (there->facts.content != Content::Blank && !options.force)
            return Error{Code::Refused, device.str() + " is not empty", {}};
        Held& held = devices_[device];
        held.passphrase = TRY(passphrase.text().clone());
        LuksFacts luks;
        luks.version = options.version;
        luks.cipher = options.cipher;
        luks.key_bits = options.key_bits;
        luks.sector_size = options.sector_size;
        luks.key_slots.push_back({.kdf = "pbkdf2", .iterations = 1000, .key_bits = options.key_bits});
        held.facts.content = Content::Luks;
        held.facts.what = text_of(options.version);
        held.facts.luks = std::move(luks);
        return held.facts;
    }

    Result<int> test(const DevicePath& device, const Passphrase& passphrase) const override {
        const Held* held = TRY(find(device));
        if (!held->facts.luks) return Error{Code::InvalidInput, device.str() + " is no LUKS volume", {}};
        if (!equal_in_constant_time(held->passphrase.reveal(), passphrase.text().reveal())) {
            return Error{Code::WrongKey, "this key opens no key slot of " + device.str() + " (LUKS2, slots 0)", {}};
        }
        return 0;
    }

    Result<Mapping> open(const DevicePath& device, const Passphrase& passphrase, const MappingName& name,
                         const OpenOptions& options) override {
        TRY(fault());
        if (!options.plain) TRY(test(options.header.value_or(device), passphrase));
        if (mappings_.contains(name) || is_mapped(device)) return Error{Code::Conflict, "in use already", {}};
        Mapping mapping{name, "/dev/mapper/" + name.str(), device, "LUKS2", 0, options.read_only, {}};
        mappings_[name] = mapping;
        return mapping;
    }

    Result<void> close(const MappingName& name) override {
        TRY(fault());
        if (mappings_.erase(name) == 0) return Error{Code::NotFound, "there is no mapping " + name.str(), {}};
        return {};
    }

    Result<Mapping> resize(const MappingName& name, const Passphrase*) override {
        TRY(fault());
        const auto found = mappings_.find(name);
        if (found == mappings_.end()) return Error{Code::NotFound, "there is no mapping " + name.str(), {}};
        return found->second;
    }

    Result<std::vector<Mapping>> mappings() const override {
        std::vector<Mapping> all;
        for (const auto& [name, mapping] : mappings_) all.push_back(mapping);
        return all;
    }

private:
    struct Held {
        VolumeFacts facts;
        SecureBytes passphrase;
    };

    Result<const Held*> find(const DevicePath& device) const {
        const auto found = devices_.find(device);
        if (found == devices_.end()) return Error{Code::NotFound, device.str() + " does not exist", {}};
        return &found->second;
    }
    bool is_mapped(const DevicePath& device) const {
        for (const auto& [name, mapping] : mappings_) {
            if (mapping.device == device) return true;
        }
        return false;
    }
    Result<void> fault() {
        if (!fault_) return {};
        Error error = std::move(*fault_);
        fault_.reset();
        return error;
    }

    std::map<DevicePath, Held> devices_;
    std::map<MappingName, Mapping> mappings_;
    std::optional<Error> fault_;
};

}  // namespace sallyport::volume
