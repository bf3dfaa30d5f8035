#include "agent/guests/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "keymanager/base/log.h"

namespace sallyport::guests {
namespace {

using libvirt::ForeignSecret;
using libvirt::HypervisorChange;
using libvirt::SecretPlacement;
using libvirt::SecretUuid;
using libvirt::VolumeId;
using libvirt::VolumeSecret;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// How soon a hypervisor that is away is looked for again.
constexpr seconds ReconnectEvery{1};
/// A libvirtd that runs is connected, or so within milliseconds. One that starts waits for its hooks, each in turn.
constexpr milliseconds StartingPatience{1500};

SecretPlacement placement_of(const Need& need, ForeignSecret if_foreign) {
    return {.volume = need.volume, .uuid = need.uuid, .if_foreign = if_foreign};
}

Row row_of(const Need& need, Action action) {
    return {need.volume, action, need.uuid ? need.uuid->str() : std::string(), need.domain, need.disk, {}};
}

Row failed_row(const Need& need, const Error& error) {
    Row row = row_of(need, Action::Failed);
    row.reason = error.message;
    return row;
}

std::string seconds_text(milliseconds time) {
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

}  // namespace

std::string_view text_of(Action action) {
    switch (action) {
        case Action::Put: return "put";
        case Action::Kept: return "kept";
        case Action::Waiting: return "waiting";
        case Action::Dropped: return "dropped";
        case Action::Foreign: return "foreign";
        case Action::Failed: return "failed";
    }
    return "failed";
}

Keeper::Keeper(libvirt::Hypervisor& hypervisor, VolumeKeys& keys, KeeperSettings settings)
    : hypervisor_(hypervisor), keys_(keys), settings_(std::move(settings)) {}

Keeper::~Keeper() {
    stop();
    hypervisor_.watch(nullptr);
}

void Keeper::watch() {
    hypervisor_.watch([this](HypervisorChange change) {
        const std::lock_guard lock(wake_mutex_);
        has_changed_ = true;
        if (change == HypervisorChange::Connection) is_connection_new_ = true;
        wakes_.notify_all();
    });
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Keeper::stop() {
    {
        const std::lock_guard lock(wake_mutex_);
        is_stopping_ = true;
        wakes_.notify_all();
    }
    thread_.request_stop();
}

// ---------------------------------------------------------------------------------------------- the watcher

void Keeper::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        {
            const std::lock_guard lock(wake_mutex_);
            has_changed_ = false;
        }
        look_now();
        std::unique_lock lock(wake_mutex_);
        const seconds rest = is_away_ ? ReconnectEvery : settings_.look_every;
        // A change while the hypervisor is away is but another failure to reach it.
        wakes_.wait_for(lock, stop, rest, [this] { return is_stopping_ || (has_changed_ && !is_away_); });
    }
}

void Keeper::look_now() {
    const auto rows = look(settings_.self, Thoroughness::Changes, ForeignSecret::Refuse);
    const bool was_away = std::exchange(is_away_, !rows);
    if (!rows) {
        if (!was_away) log_warning("guests: {} ({})", rows.error().message, rows.error().detail);
        return;
    }
    if (was_away) log_info("guests: the hypervisor is there again");
    tell(*rows);
    start_late_domains();
}

void Keeper::tell(const std::vector<Row>& rows) {
    std::map<VolumeId, std::string> failures;
    for (const Row& row : rows) {
        switch (row.action) {
            case Action::Put:
                log_info("guests: put the secret of volume {} for domain {}", row.volume.str(), row.domain);
                break;
            case Action::Dropped: log_info("guests: dropped the secret of volume {}", row.volume.str()); break;
            case Action::Failed: failures.emplace(row.volume, row.reason); break;
            case Action::Kept:
            case Action::Waiting:
            case Action::Foreign: break;
        }
    }
    for (const auto& [volume, reason] : failures) {
        const auto told = failures_told_.find(volume);
        if (told == failures_told_.end() || told->second != reason) {
            log_warning("guests: the secret of volume {}: {}", volume.str(), reason);
        }
    }
    failures_told_ = std::move(failures);
}

void Keeper::start_late_domains() {
    std::set<std::string> late;
    {
        const std::lock_guard lock(wake_mutex_);
        late.swap(late_domains_);
    }
    for (const std::string& domain : late) {
        const auto started = hypervisor_.start_if_autostart(domain);
        if (!started) {
            log_error("guests: domain {} was to start with libvirtd: {}", domain, started.error().message);
        } else if (*started) {
            log_info("guests: started domain {}, whose secrets libvirtd would not take while it was starting", domain);
        }
    }
}

Result<std::vector<Need>> Keeper::running_needs() {
    std::vector<Need> needs;
    for (const libvirt::RunningDomain& domain : TRY(hypervisor_.running_domains())) {
        auto of_domain = needs_of(domain.name, domain.xml);
        // One domain's XML that cannot be read must not take the others' secrets away; nor may its own go.
        if (!of_domain) {
            return Error{of_domain.error().code, "domain " + domain.name + ": " + of_domain.error().message,
                         of_domain.error().detail};
        }
        std::ranges::move(*of_domain, std::back_inserter(needs));
    }
    return needs;
}

Result<std::vector<Row>> Keeper::look(const core::Caller& caller, Thoroughness thoroughness, ForeignSecret if_foreign) {
    const std::lock_guard one_at_a_time(look_mutex_);
    // This may open a connection, which then says so itself: hence before that is looked at.
    std::vector<Need> needs = TRY(running_needs());
    Plan plan;
    {
        const std::lock_guard lock(secrets_mutex_);
        {
            const std::lock_guard wake(wake_mutex_);
            // A secret without a value, as libvirt brings one back from its disk, looks like one that is there.
            if (std::exchange(is_connection_new_, false)) {
                for (auto& [volume, note] : notes_) note.placed.reset();
            }
        }
        const std::vector<VolumeSecret> held = TRY(hypervisor_.list_secrets());
        plan = make_plan(std::move(needs), held, notes_, steady_clock::now(), settings_.pending);
        tell_foreign(held);
    }
    std::vector<Row> rows;
    for (const Need& need : plan.put) rows.push_back(put_needed(caller, need, thoroughness, if_foreign));
    for (const Need& need : plan.keep) {
        const bool again = thoroughness == Thoroughness::Everything || choice_has_changed(caller, need);
        rows.push_back(again ? put_needed(caller, need, thoroughness, if_foreign) : row_of(need, Action::Kept));
    }
    for (const Need& need : plan.foreign) {
        if (if_foreign == ForeignSecret::Replace) {
            rows.push_back(put_needed(caller, need, thoroughness, if_foreign));
        } else {
            rows.push_back(row_of(need, Action::Foreign));
        }
    }
    for (const VolumeId& volume : plan.drop) {
        if (auto row = drop_unneeded(caller, volume)) rows.push_back(*std::move(row));
    }
    for (const VolumeId& volume : plan.keep_a_while) rows.push_back({volume, Action::Waiting});
    for (const VolumeSecret& secret : plan.left) rows.push_back(treat_left(caller, secret, if_foreign));
    return rows;
}

bool Keeper::choice_has_changed(const core::Caller& caller, const Need& need) {
    const auto choice = keys_.known(caller, need.volume, need.device);
    if (!choice || choice->empty()) return false;
    const std::lock_guard lock(secrets_mutex_);
    return notes_[need.volume].choice != *choice;
}

void Keeper::tell_foreign(const std::vector<VolumeSecret>& held) {
    std::set<SecretUuid> foreign;
    for (const VolumeSecret& secret : held) {
        if (secret.is_ours()) continue;
        foreign.insert(secret.uuid);
        if (foreign_told_.contains(secret.uuid)) continue;
        log_warning(
            "guests: the secret {} of volume {} is not ours, and {}; `sallyport doctor` says more", secret.uuid.str(),
            secret.volume.str(),
            secret.is_ephemeral ? "can be read by whoever may talk to libvirtd" : "lies in clear on libvirt's disk");
    }
    foreign_told_ = std::move(foreign);
}

Row Keeper::treat_left(const core::Caller& caller, const VolumeSecret& secret, ForeignSecret if_foreign) {
    Row row{secret.volume, Action::Foreign, secret.uuid.str()};
    if (if_foreign == ForeignSecret::Refuse) return row;
    const auto known = keys_.known(caller, secret.volume, {});
    if (!known || known->empty()) {
        row.reason =
            known ? "left: no key of the volume is known, so it could not be put again" : known.error().message;
        return row;
    }
    const std::lock_guard lock(secrets_mutex_);
    const auto dropped = hypervisor_.drop_secret(secret.volume, if_foreign);
    row.action = dropped ? Action::Dropped : Action::Failed;
    if (!dropped) row.reason = dropped.error().message;
    return row;
}

// ---------------------------------------------------------------------------------------------- keys

bool Keeper::was_refused(const core::Caller& caller, const Need& need) {
    const auto choice = keys_.known(caller, need.volume, need.device);
    const std::lock_guard lock(secrets_mutex_);
    return choice && !choice->empty() && notes_[need.volume].refused == *choice;
}

Result<Keeper::Chosen> Keeper::choose(const core::Caller& caller, const Need& need, Thoroughness thoroughness) {
    std::vector<SecretId> choice = TRY(keys_.known(caller, need.volume, need.device));
    if (choice.empty()) {
        return Error{Code::NotFound,
                     fmt::format("no key of volume {} is known: sallyport libvirt inject --volume {} --key ID",
                                 need.volume.str(), need.volume.str()),
                     {}};
    }
    // One key alone is put as it is: the hypervisor tries it anyway, and a dear header takes seconds each time.
    const bool is_tried = choice.size() > 1 || thoroughness == Thoroughness::Everything;
    std::optional<Chosen> untried;
    std::optional<Error> problem;
    for (const SecretId& key : choice) {
        auto passphrase = keys_.passphrase(caller, key);
        if (!passphrase) {
            problem = std::move(passphrase).error();
            // `NotFound` means that no key is known at all.
            if (problem->code == Code::NotFound) problem->code = Code::Refused;
            problem->message = fmt::format("key {} of volume {}: {}", key.str(), need.volume.str(), problem->message);
            continue;
        }
        const std::optional<bool> fits = is_tried ? keys_.opens(need.device, *passphrase) : std::nullopt;
        if (fits == true) return Chosen{key, choice, *std::move(passphrase)};
        if (!fits && !untried) untried.emplace(Chosen{key, choice, *std::move(passphrase)});
    }
    if (untried) return *std::move(untried);
    if (problem) return *std::move(problem);
    {
        const std::lock_guard lock(secrets_mutex_);
        notes_[need.volume].refused = choice;
    }
    return Error{Code::WrongKey,
                 fmt::format("none of the {} known keys of volume {} opens {} (disk {} of domain {}); the right one is "
                             "given by: sallyport libvirt inject --volume {} --key ID",
                             choice.size(), need.volume.str(), need.device, need.disk, need.domain, need.volume.str()),
                 {}};
}

// ---------------------------------------------------------------------------------------------- changes

/// Tries again while the hypervisor is away.
template <class Call>
auto Keeper::queued(const std::string& what, Moment until, const Call& call) -> decltype(call()) {
    const Moment since = steady_clock::now();
    for (int tries = 1;; ++tries) {
        auto result = call();
        if (result || result.error().code != Code::Unavailable) return result;
        std::unique_lock lock(wake_mutex_);
        const bool has_time = steady_clock::now() + settings_.retry < until && !is_stopping_;
        if (!has_time) {
            const auto waited = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since);
            return Error{Code::Unavailable,
                         fmt::format("{}: given up after {} and {} tries: {}", what, seconds_text(waited), tries,
                                     result.error().message),
                         result.error().detail};
        }
        wakes_.wait_for(lock, settings_.retry, [this] { return is_stopping_; });
    }
}

void Keeper::wait_for(const VolumeId& volume) {
    const std::lock_guard lock(secrets_mutex_);
    Note& note = notes_[volume];
    note.is_somebody_elses = false;
    note.kept_until = steady_clock::now() + settings_.pending;
}

Result<SecretUuid> Keeper::put(const core::Caller& caller, const SecretPlacement& placement, const SecretId& key,
                               const volume::Passphrase& passphrase) {
    const auto what = fmt::format("the secret of volume {} was not put", placement.volume.str());
    const SecretUuid uuid = TRY(queued(what, steady_clock::now() + settings_.queue, [&]() -> Result<SecretUuid> {
        wait_for(placement.volume);
        const std::lock_guard lock(secrets_mutex_);
        SecretUuid placed = TRY(hypervisor_.put_secret(placement, passphrase.text()));
        Note& note = notes_[placement.volume];
        note.placed = key;
        note.choice = {key};
        return placed;
    }));
    // It is there, which is what was asked for.
    if (const auto noted = keys_.remember(caller, placement.volume, key); !noted) {
        log_warning(
            "guests: the key of volume {} could not be noted, so its secret will not be put again by itself: {}",
            placement.volume.str(), noted.error().message);
    }
    return uuid;
}

Result<bool> Keeper::drop(const core::Caller& caller, const VolumeId& volume, ForeignSecret if_foreign) {
    const auto what = fmt::format("the secret of volume {} was not dropped", volume.str());
    const bool dropped = TRY(queued(what, steady_clock::now() + settings_.queue, [&]() -> Result<bool> {
        const std::lock_guard lock(secrets_mutex_);
        const bool was_there = TRY(hypervisor_.drop_secret(volume, if_foreign));
        notes_.erase(volume);
        return was_there;
    }));
    TRY(keys_.forget(caller, volume));
    return dropped;
}

Row Keeper::put_needed(const core::Caller& caller, const Need& need, Thoroughness thoroughness,
                       ForeignSecret if_foreign) {
    if (thoroughness == Thoroughness::Changes && was_refused(caller, need)) {
        return failed_row(need, {Code::WrongKey, "none of its keys opens it, and no new one is known", {}});
    }
    const auto chosen = choose(caller, need, thoroughness);
    // What is there may be right, and another's: it stays.
    if (!chosen) return failed_row(need, chosen.error());
    const std::lock_guard lock(secrets_mutex_);
    const auto uuid = hypervisor_.put_secret(placement_of(need, if_foreign), chosen->passphrase.text());
    if (!uuid) return failed_row(need, uuid.error());
    Note& note = notes_[need.volume];
    note.placed = chosen->key;
    note.choice = chosen->choice;
    Row row = row_of(need, Action::Put);
    row.uuid = uuid->str();
    return row;
}

std::optional<Row> Keeper::drop_unneeded(const core::Caller& caller, const VolumeId& volume) {
    // What looks like ours may be another tool's: without a key of it, it could not be put again either.
    const auto known = keys_.known(caller, volume, {});
    const std::lock_guard lock(secrets_mutex_);
    Note& note = notes_[volume];
    if (!note.placed && (!known || known->empty())) {
        note.is_somebody_elses = known.has_value();
        return std::nullopt;
    }
    // A hook or an injection may have asked for it since the look.
    if (note.kept_until && steady_clock::now() < *note.kept_until) return std::nullopt;
    Row row{volume, Action::Dropped};
    const auto dropped = hypervisor_.drop_secret(volume, ForeignSecret::Refuse);
    if (dropped) {
        notes_.erase(volume);
    } else {
        row.action = Action::Failed;
        row.reason = dropped.error().message;
    }
    return row;
}

Result<std::vector<Row>> Keeper::prepare(const core::Caller& caller, const std::string& domain,
                                         const std::vector<Need>& needs, milliseconds within) {
    const Moment until = steady_clock::now() + within;
    if (!hypervisor_.answers(std::min(within, StartingPatience))) {
        const std::lock_guard lock(wake_mutex_);
        late_domains_.insert(domain);
        return Error{
            Code::Unavailable, "libvirtd takes no calls yet; when it does, the agent starts what has autostart", {}};
    }
    const auto list = [this] {
        const std::lock_guard lock(secrets_mutex_);
        return hypervisor_.list_secrets();
    };
    const std::vector<VolumeSecret> held = TRY(queued("the domain's secrets are not there", until, list));
    Notes unused;
    Plan plan = make_plan(needs, held, unused, steady_clock::now(), settings_.pending);
    std::vector<Row> rows;
    for (const Need& need : plan.foreign) rows.push_back(row_of(need, Action::Foreign));
    for (const Need& need : plan.put) {
        const auto chosen = choose(caller, need, Thoroughness::Changes);
        const bool is_held = std::ranges::find(held, need.volume, &VolumeSecret::volume) != held.end();
        if (!chosen && chosen.error().code == Code::NotFound && is_held) {
            rows.push_back(row_of(need, Action::Foreign));
            continue;
        }
        if (!chosen) return chosen.error();
        const auto what = fmt::format("the secret of volume {} was not put", need.volume.str());
        wait_for(need.volume);
        const auto uuid = queued(what, until, [&]() -> Result<SecretUuid> {
            const std::lock_guard lock(secrets_mutex_);
            SecretUuid placed =
                TRY(hypervisor_.put_secret(placement_of(need, ForeignSecret::Refuse), chosen->passphrase.text()));
            Note& note = notes_[need.volume];
            note.placed = chosen->key;
            note.choice = chosen->choice;
            return placed;
        });
        Row row = row_of(need, Action::Put);
        row.uuid = TRY(uuid)
        .str();
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<std::vector<Row>> Keeper::sync(const core::Caller& caller, ForeignSecret if_foreign) {
    return queued("the hypervisor's secrets were not looked at", steady_clock::now() + settings_.queue,
                  [this, &caller, if_foreign] { return look(caller, Thoroughness::Everything, if_foreign); });
}

}  // namespace sallyport::guests
