#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "integrations/volume/ledger.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::volume {

/// A ledger in memory that keeps the promises of ledger.h, and fails at the call that it is told, before or after it
/// has done what was asked. Thread-compatible.
class MemoryLedger final : public Ledger {
public:
    enum class Fails { Before, After };
    /// The n-th call that changes something from now on (1: the next) is `Unavailable`.
    void fail_at(int call, Fails when) {
        calls_ = 0;
        fails_at_ = call;
        fails_ = when;
    }
    /// Changing calls since fail_at.
    int calls() const { return calls_; }

    std::map<std::string, model::VolumeRecord> records;
    std::map<std::string, std::vector<std::pair<model::HeaderVersion, Bytes>>> kept;  ///< oldest first
    std::set<std::string> destroyed;
    std::set<std::string> in_use;  ///< secrets that others use

    Result<std::optional<model::VolumeRecord>> find(const model::VolumeUuid& uuid) override {
        const auto found = records.find(uuid.str());
        if (found == records.end()) return std::optional<model::VolumeRecord>();
        return std::optional(found->second);
    }
    Result<std::optional<model::VolumeRecord>> find_on(const DevicePath& device) override {
        for (const auto& [uuid, record] : records) {
            if (record.device == device.str()) return std::optional(record);
        }
        return std::optional<model::VolumeRecord>();
    }
    Result<void> put(const model::VolumeRecord& record) override {
        return change([this, &record] { records[record.uuid.str()] = record; });
    }
    Result<void> forget(const model::VolumeUuid& uuid) override {
        return change([this, &uuid] { records.erase(uuid.str()); });
    }
    Result<model::HeaderVersion> keep_header(const model::VolumeUuid& uuid, const DevicePath& device,
                                             const std::string& reason, std::span<const std::byte> copy) override {
        model::HeaderVersion version;
        version.uuid = uuid;
        version.reason = reason;
        version.device = device.str();
        version.digest = to_hex(*crypto::sha256(copy));
        version.size = static_cast<std::int64_t>(copy.size());
        TRY(change([this, &uuid, &version, copy] {
            auto& versions = kept[uuid.str()];
            if (!versions.empty() && versions.back().first.digest == version.digest) return;
            version.version = ++last_version_;
            versions.emplace_back(version, Bytes(copy.begin(), copy.end()));
        }));
        return kept[uuid.str()].back().first;
    }
    Result<std::vector<model::HeaderVersion>> headers(const model::VolumeUuid& uuid) override {
        std::vector<model::HeaderVersion> versions;
        for (const auto& [version, bytes] : kept[uuid.str()]) versions.insert(versions.begin(), version);
        return versions;
    }
    Result<Bytes> header(const model::VolumeUuid& uuid, int number) override {
        for (const auto& [version, bytes] : kept[uuid.str()]) {
            if (version.version == number) return bytes;
        }
        return Error{Code::NotFound, "no such version", {}};
    }
    Result<long> destroy_headers_before(const model::VolumeUuid& uuid, int number) override {
        long gone = 0;
        TRY(change([this, &uuid, number, &gone] {
            gone = static_cast<long>(
                std::erase_if(kept[uuid.str()], [number](const auto& one) { return one.first.version < number; }));
        }));
        return gone;
    }
    Result<void> may_destroy_secret(const SecretId& secret, const model::VolumeUuid& /*uuid*/) override {
        if (in_use.contains(secret.str())) return Error{Code::Conflict, "the secret is in use by another", {}};
        return {};
    }
    Result<long> destroy_secret(const SecretId& secret, const model::VolumeUuid& /*uuid*/) override {
        TRY(change([this, &secret] { destroyed.insert(secret.str()); }));
        return 1L;
    }
    Result<bool> is_destroyed(const SecretId& secret) override { return destroyed.contains(secret.str()); }

private:
    template <class Work>
    Result<void> change(Work&& work) {
        const bool fails = ++calls_ == fails_at_;
        if (!fails || fails_ == Fails::After) work();
        if (fails) return Error{Code::Unavailable, "the ledger is away", {}};
        return {};
    }

    int calls_ = 0;
    int fails_at_ = 0;
    Fails fails_ = Fails::Before;
    int last_version_ = 0;
};

}  // namespace sallyport::volume
