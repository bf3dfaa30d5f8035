#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/guests/plan.h"
#include "agent/guests/volume_keys.h"
#include "integrations/libvirt/hypervisor.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::guests {

enum class Action {
    Put,      ///< set, or set again
    Kept,     ///< was there, with a value of ours
    Waiting,  ///< was put for a domain that does not run yet
    Dropped,
    Foreign,  ///< the volume's secret is not ours, and was left
    Failed    ///< see Row::reason
};
std::string_view text_of(Action action);  ///< "put", "kept", ...

/// What was done about one volume.
struct Row {
    libvirt::VolumeId volume;
    Action action = Action::Put;
    std::string uuid{};    ///< of the secret, where it is known
    std::string domain{};  ///< that needs it; empty if none does
    std::string disk{};
    std::string reason{};  ///< what failed and what to do, or why it was left
};

struct KeeperSettings {
    core::Caller self;                    ///< as whom the watcher asks for keys
    std::chrono::seconds pending{300};    ///< how long a secret waits for a domain that needs it
    std::chrono::seconds queue{10};       ///< how long a change waits for a hypervisor that is away
    std::chrono::seconds look_every{60};  ///< a look without any event
    std::chrono::milliseconds retry{200};
};

/// Keeps the hypervisor's secrets as the domains of this host need them.
///
/// Thread-safe. Calls block; see Hypervisor. Errors are those of Hypervisor and VolumeKeys; a hypervisor that is away
/// is tried again for `queue`, and then named (`Unavailable`).
class Keeper {
public:
    /// Both must outlive this. Begins to watch with watch().
    Keeper(libvirt::Hypervisor& hypervisor, VolumeKeys& keys, KeeperSettings settings);
    /// Ends the watcher, after the look that it is at.
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    /// From now on a thread of its own looks after every event, and now and then. Once; before any other call.
    void watch();
    /// Waiting changes give up now.
    void stop();

    /// Puts a passphrase for a volume, which waits for its domain, and notes the key as the volume's.
    Result<libvirt::SecretUuid> put(const core::Caller& caller, const libvirt::SecretPlacement& placement,
                                    const SecretId& key, const volume::Passphrase& passphrase);
    /// Forgets it, and which key was noted; false if there was none.
    Result<bool> drop(const core::Caller& caller, const libvirt::VolumeId& volume, libvirt::ForeignSecret if_foreign);

    /// What a domain that is about to start needs: everything is there when this returns. Asks nothing about domains,
    /// for libvirt holds this one's lock. Error: `NotFound` for a volume without a known key; `WrongKey` if several are
    /// known and none opens the disk; `Unavailable` if it took longer than `within`, or if the hypervisor takes no
    /// calls because it is starting: the watcher then starts the domain, if it has autostart, as soon as it does.
    Result<std::vector<Row>> prepare(const core::Caller& caller, const std::string& domain,
                                     const std::vector<Need>& needs, std::chrono::milliseconds within);

    /// Looks at all domains and secrets, and sets every value that is needed anew, each from a key that was tried on
    /// the disk where that can be done. `if_foreign` Replace takes Nova's too, where a key of the volume is known:
    /// those that a running domain needs are replaced, others dropped. What fails for one volume is in its row.
    Result<std::vector<Row>> sync(const core::Caller& caller, libvirt::ForeignSecret if_foreign);

    /// What the watcher does for each event, on the caller's thread: puts what is missing, drops what nobody needs,
    /// logs it, and starts what could not be started with the hypervisor. For its own thread, and for tests.
    void look_now();

private:
    enum class Thoroughness { Changes, Everything };
    struct Chosen {
        SecretId key;
        std::vector<SecretId> choice;
        volume::Passphrase passphrase;
    };

    void run(const std::stop_token& stop);
    void tell(const std::vector<Row>& rows);
    void start_late_domains();
    Result<std::vector<Row>> look(const core::Caller& caller, Thoroughness thoroughness,
                                  libvirt::ForeignSecret if_foreign);
    Result<std::vector<Need>> running_needs();
    Result<Chosen> choose(const core::Caller& caller, const Need& need, Thoroughness thoroughness);
    Row put_needed(const core::Caller& caller, const Need& need, Thoroughness thoroughness,
                   libvirt::ForeignSecret if_foreign);
    bool was_refused(const core::Caller& caller, const Need& need);
    bool choice_has_changed(const core::Caller& caller, const Need& need);
    std::optional<Row> drop_unneeded(const core::Caller& caller, const libvirt::VolumeId& volume);
    Row treat_left(const core::Caller& caller, const libvirt::VolumeSecret& secret, libvirt::ForeignSecret if_foreign);
    void tell_foreign(const std::vector<libvirt::VolumeSecret>& held);
    void wait_for(const libvirt::VolumeId& volume);
    template <class Call>
    auto queued(const std::string& what, Moment until, const Call& call) -> decltype(call());

    libvirt::Hypervisor& hypervisor_;
    VolumeKeys& keys_;
    const KeeperSettings settings_;

    /// Held around calls about secrets and looks at the notes, never around calls about domains.
    std::mutex secrets_mutex_;
    Notes notes_;
    std::set<libvirt::SecretUuid> foreign_told_;  ///< secrets that are not ours, and are in the log already

    std::mutex look_mutex_;  ///< one look at a time; before secrets_mutex_

    std::mutex wake_mutex_;
    std::condition_variable_any wakes_;
    bool has_changed_ = true;
    bool is_connection_new_ = false;
    bool is_stopping_ = false;
    std::set<std::string> late_domains_;  ///< refused because the hypervisor was starting
    // The watcher's own: what the log says already.
    bool is_away_ = false;
    std::map<libvirt::VolumeId, std::string> failures_told_;

    std::jthread thread_;  ///< the last: it uses the others
};

}  // namespace sallyport::guests
