#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "integrations/libvirt/hypervisor.h"
#include "keymanager/base/uuid.h"

namespace sallyport::libvirt {

/// A hypervisor in memory, which keeps the promises of hypervisor.h (the conformance suite runs on it) and breaks
/// when told to. Thread-compatible.
class FakeHypervisor final : public Hypervisor {
public:
    Result<SecretUuid> put_secret(const SecretPlacement& placement, const SecureBytes& passphrase) override {
        TRY(fault());
        if (placement.volume.empty() || passphrase.empty() || (placement.uuid && !is_uuid(placement.uuid->str()))) {
            return Error{Code::InvalidInput, "no such placement", {}};
        }
        const auto present = secrets_.find(placement.volume);
        SecretUuid uuid(is_uuid(placement.volume.str()) ? placement.volume.str() : random_uuid());
        if (present != secrets_.end()) uuid = present->second.description.uuid;
        if (placement.uuid) uuid = *placement.uuid;
        for (const auto& [volume, secret] : secrets_) {
            if (volume != placement.volume && secret.description.uuid == uuid) {
                return Error{Code::Conflict, "uuid " + uuid.str() + " is taken", {}};
            }
        }
        if (present != secrets_.end() && is_refused(present->second, placement.if_foreign))
            return refused(placement.volume);
        secrets_.insert_or_assign(
            placement.volume, Held {
                {uuid, placement.volume, true, true}, TRY(passphrase.clone())
            });
        return uuid;
    }

    Result<bool> drop_secret(const VolumeId& volume, ForeignSecret if_foreign) override {
        TRY(fault());
        const auto present = secrets_.find(volume);
        if (present == secrets_.end()) return false;
        if (is_refused(present->second, if_foreign)) return refused(volume);
        secrets_.erase(present);
        return true;
    }

    Result<std::vector<VolumeSecret>> list_secrets() override {
        TRY(fault());
        std::vector<VolumeSecret> found;
        for (const auto& [volume, secret] : secrets_) found.push_back(secret.description);
        return found;
    }

    Result<std::string> domain_xml(const std::string& domain) override {
        TRY(fault());
        const auto found = domains_.find(domain);
        if (found == domains_.end()) return Error{Code::NotFound, "libvirt knows no domain " + domain, {}};
        return found->second;
    }

    Result<std::vector<RunningDomain>> running_domains() override {
        TRY(fault());
        std::vector<RunningDomain> running;
        for (const std::string& name : running_) running.push_back({name, domains_.at(name)});
        return running;
    }

    bool answers(std::chrono::milliseconds /*within*/) override { return !is_starting_; }

    Result<bool> start_if_autostart(const std::string& domain) override {
        TRY(fault());
        if (!domains_.contains(domain)) return Error{Code::NotFound, "libvirt knows no domain " + domain, {}};
        if (!autostarted_.contains(domain)) return false;
        return running_.insert(domain).second;
    }

    void watch(std::function<void(HypervisorChange)> changed) override { changed_ = std::move(changed); }

    /// The next call fails so.
    void fail_next(Error error) { fault_ = std::move(error); }
    /// What a restart of libvirtd does: ephemeral secrets are gone.
    void restart() {
        std::erase_if(secrets_, [](const auto& entry) { return entry.second.description.is_ephemeral; });
        tell(HypervisorChange::Connection);
    }
    /// What Nova does: a persistent secret that anybody may read.
    void define_foreign(const VolumeSecret& description) {
        secrets_.insert_or_assign(description.volume, Held{description, SecureBytes()});
    }
    void define_domain(const std::string& name, std::string xml) { domains_[name] = std::move(xml); }
    /// One that was defined.
    void start(const std::string& name) {
        running_.insert(name);
        tell(HypervisorChange::Domains);
    }
    /// To be started with the hypervisor.
    void autostart(const std::string& name) { autostarted_.insert(name); }
    bool is_running(const std::string& name) const { return running_.contains(name); }
    /// It takes no calls, as libvirtd while it starts.
    void set_starting(bool starting) { is_starting_ = starting; }
    void end(const std::string& name) {
        running_.erase(name);
        tell(HypervisorChange::Domains);
    }
    /// The value under which a disk would be opened; nullptr if the volume has no secret.
    const SecureBytes* value_of(const VolumeId& volume) const {
        const auto found = secrets_.find(volume);
        return found == secrets_.end() ? nullptr : &found->second.value;
    }

private:
    struct Held {
        VolumeSecret description;
        SecureBytes value;
    };

    static bool is_refused(const Held& held, ForeignSecret if_foreign) {
        return !held.description.is_ours() && if_foreign == ForeignSecret::Refuse;
    }
    static Error refused(const VolumeId& volume) {
        return Error{Code::Refused, "volume " + volume.str() + " has a libvirt secret that Sallyport did not make", {}};
    }
    void tell(HypervisorChange change) const {
        if (changed_) changed_(change);
    }
    Result<void> fault() {
        if (!fault_) return {};
        return *std::exchange(fault_, std::nullopt);
    }

    std::map<VolumeId, Held> secrets_;
    std::map<std::string, std::string> domains_;
    std::set<std::string> running_;
    std::set<std::string> autostarted_;
    bool is_starting_ = false;
    std::function<void(HypervisorChange)> changed_;
    std::optional<Error> fault_;
};

}  // namespace sallyport::libvirt
