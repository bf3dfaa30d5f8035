#include "keymanager/core/kek_care.h"

#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

constexpr std::size_t NamedUnreadable = 10;

/// A full page may have another behind it.
template <class Row, class IdOf>
auto next_after(const std::vector<Row>& rows, int limit, IdOf&& id_of) -> std::optional<decltype(id_of(rows.front()))> {
    if (rows.size() < static_cast<std::size_t>(limit)) return std::nullopt;
    return id_of(rows.back());
}

Result<std::optional<std::size_t>> opener_of(store::SecretStore& store, const model::KekMeta& kek) {
    return store.opened_by(kek.plugin_meta);
}

}  // namespace

Result<KekCare::Census> KekCare::count(const KekId& after, int limit) {
    const auto keks = TRY(database_.read([this, &after, limit](db::Session& session) {
        return db::list_keks(session, store_.info().crypto_plugin, after, limit);
    }));
    Census census;
    census.openers.resize(store_.master_keys().size());
    for (const auto& [kek, is_active] : keks) {
        ++census.total;
        if (!is_active) ++census.retired;
        const auto opener = TRY(opener_of(store_, kek));
        if (opener) {
            ++census.openers[*opener];
            continue;
        }
        ++census.unreadable;
        if (census.unreadable_ids.size() < NamedUnreadable) census.unreadable_ids.push_back(kek.id);
    }
    census.next = next_after(keks, limit, [](const db::StoredKek& row) { return row.kek.id; });
    return census;
}

Result<std::optional<std::size_t>> KekCare::canary_key() {
    const auto canary =
        TRY(database_.read([this](db::Session& session) { return db::find_canary(session, store_.info().name); }));
    if (!canary) return std::optional<std::size_t>();
    return store_.opened_by(*canary);
}

Result<KekCare::Rewrapped> KekCare::rewrap_keks(const KekId& after, int limit) {
    return database_.write([this, &after, limit](db::Session& session) -> Result<Rewrapped> {
        const auto keks = TRY(db::list_keks(session, store_.info().crypto_plugin, after, limit));
        Rewrapped done;
        for (const auto& [kek, is_active] : keks) {
            ++done.examined;
            if (!TRY(opener_of(store_, kek))) {
                ++done.unreadable;
                log_warning("kek {} of project {} opens with none of the master keys", kek.id.str(), kek.project.str());
                continue;
            }
            const auto wrapping = TRY(store_.rewrap(kek.plugin_meta));
            if (!wrapping) continue;
            if (TRY(db::replace_wrapping(session, kek, *wrapping, clock_.now()))) ++done.changed;
        }
        done.next = next_after(keks, limit, [](const db::StoredKek& row) { return row.kek.id.str(); });
        return done;
    });
}

Result<bool> KekCare::rewrap_canary() {
    const std::string& name = store_.info().name;
    return database_.write([this, &name](db::Session& session) -> Result<bool> {
        const auto canary = TRY(db::find_canary(session, name));
        if (!canary) return false;
        const auto wrapping = TRY(store_.rewrap(*canary));
        if (!wrapping) return false;
        TRY(store_.check_canary(*wrapping));
        TRY(db::put_canary(session, name, *wrapping, clock_.now()));
        return true;
    });
}

Result<KekId> KekCare::rotate(const ProjectId& project) {
    const std::string& plugin = store_.info().crypto_plugin;
    return database_.write([this, &project, &plugin](db::Session& session) -> Result<KekId> {
        const auto current = TRY(db::find_kek(session, project, plugin));
        if (!current) return Error{Code::NotFound, "project " + project.str() + " has no key-encryption key", {}};
        const model::KekMeta fresh = TRY(store_.bind_kek(project));
        TRY(db::insert_kek(session, fresh, clock_.now()));
        TRY(db::retire_other_keks(session, fresh, clock_.now()));
        return fresh.id;
    });
}

Result<std::vector<ProjectId>> KekCare::projects(const ProjectId& after, int limit) {
    return database_.read([this, &after, limit](db::Session& session) {
        return db::projects_with_kek(session, store_.info().crypto_plugin, after, limit);
    });
}

Result<KekCare::Rewrapped> KekCare::rewrap_payloads(const db::PayloadId& after, int limit) {
    return database_.write([this, &after, limit](db::Session& session) -> Result<Rewrapped> {
        const auto payloads = TRY(db::list_retired_payloads(session, store_.info().crypto_plugin, after, limit));
        Rewrapped done;
        for (const db::RetiredPayload& payload : payloads) {
            ++done.examined;
            const auto changed = rewrap_payload(session, payload);
            if (changed) {
                done.changed += *changed ? 1 : 0;
            } else if (changed.error().code == Code::Corrupt) {
                // One damaged row must not keep the others from being moved.
                ++done.unreadable;
                log_warning("payload of secret {}: {}", payload.secret.str(), changed.error().message);
            } else {
                return changed.error();
            }
        }
        done.next = next_after(payloads, limit, [](const db::RetiredPayload& row) { return row.id.str(); });
        return done;
    });
}

Result<bool> KekCare::rewrap_payload(db::Session& session, const db::RetiredPayload& payload) {
    const auto kek = TRY(db::find_kek(session, payload.project, store_.info().crypto_plugin));
    if (!kek) return false;
    const store::SecretBinding binding{payload.secret, payload.project};
    const SecureBytes plain = TRY(store_.unwrap(payload.kek, binding, payload.wrapped));
    const model::WrappedSecret wrapped = TRY(store_.wrap(*kek, binding, plain));
    const SecureBytes again = TRY(store_.unwrap(*kek, binding, wrapped));
    if (!equal_in_constant_time(again.reveal(), plain.reveal())) {
        return Error{Code::Internal, "a new wrapping does not open to what was wrapped",
                     "secret " + payload.secret.str()};
    }
    return db::replace_payload(session, payload, kek->id, wrapped, clock_.now());
}

}  // namespace sallyport::core
