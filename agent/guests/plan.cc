#include "agent/guests/plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "integrations/libvirt/domain_secrets.h"

namespace sallyport::guests {
namespace {

using libvirt::SecretUuid;
using libvirt::VolumeId;
using libvirt::VolumeSecret;

const VolumeSecret* secret_of(const std::vector<VolumeSecret>& held, const VolumeId& volume) {
    const auto found = std::ranges::find(held, volume, &VolumeSecret::volume);
    return found == held.end() ? nullptr : &*found;
}

/// The hypervisor knows better than the XML to which volume a uuid belongs.
void correct_volume(Need& need, const std::vector<VolumeSecret>& held) {
    if (!need.uuid || secret_of(held, need.volume) != nullptr) return;
    const auto bearer = std::ranges::find(held, *need.uuid, &VolumeSecret::uuid);
    if (bearer != held.end()) need.volume = bearer->volume;
}

void plan_need(Need need, const VolumeSecret* secret, Note& note, Plan& plan) {
    note.seen_in_use = true;
    if (secret == nullptr) {
        // Whatever was put is there no more.
        note.placed.reset();
        plan.put.push_back(std::move(need));
    } else if (!secret->is_ours()) {
        plan.foreign.push_back(std::move(need));
    } else if (!note.placed || (need.uuid && secret->uuid != *need.uuid)) {
        plan.put.push_back(std::move(need));
    } else {
        plan.keep.push_back(std::move(need));
    }
}

void plan_unneeded(const VolumeSecret& secret, Note& note, Moment now, std::chrono::seconds patience, Plan& plan) {
    if (note.is_somebody_elses) return;
    if (!note.seen_in_use && !note.kept_until) note.kept_until = now + patience;
    const bool is_over = note.kept_until ? now >= *note.kept_until : note.seen_in_use;
    (is_over ? plan.drop : plan.keep_a_while).push_back(secret.volume);
}

}  // namespace

Result<std::vector<Need>> needs_of(const std::string& domain, std::string_view xml) {
    std::vector<Need> needs;
    for (const libvirt::DiskSecret& secret : TRY(libvirt::domain_secrets(xml))) {
        Need need{secret.volume(), std::nullopt, domain, secret.disk, secret.device};
        if (!secret.uuid.empty()) need.uuid = secret.uuid;
        if (need.volume.empty()) need.volume = VolumeId(secret.uuid.str());
        needs.push_back(std::move(need));
    }
    return needs;
}

Plan make_plan(std::vector<Need> needs, const std::vector<VolumeSecret>& held, Notes& notes, Moment now,
               std::chrono::seconds patience) {
    Plan plan;
    std::set<VolumeId> needed;
    for (Need& need : needs) {
        correct_volume(need, held);
        if (!needed.insert(need.volume).second) continue;
        const VolumeId volume = need.volume;
        Note& note = notes[volume];
        // What was to come has come.
        note.kept_until.reset();
        plan_need(std::move(need), secret_of(held, volume), note, plan);
    }
    for (const VolumeSecret& secret : held) {
        if (needed.contains(secret.volume)) continue;
        if (!secret.is_ours()) {
            plan.left.push_back(secret);
        } else {
            plan_unneeded(secret, notes[secret.volume], now, patience, plan);
        }
    }
    std::erase_if(notes, [&](const auto& entry) {
        const auto& [volume, note] = entry;
        const bool is_to_come = note.kept_until && now < *note.kept_until;
        return !is_to_come && !needed.contains(volume) && secret_of(held, volume) == nullptr;
    });
    return plan;
}

}  // namespace sallyport::guests
