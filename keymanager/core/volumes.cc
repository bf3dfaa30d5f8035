#include "keymanager/core/volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/core/context.h"
#include "keymanager/core/payload.h"
#include "keymanager/crypto/aead.h"
#include "keymanager/crypto/digest.h"
#include "keymanager/crypto/random.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/life_cycle_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/volume_repository.h"

namespace sallyport::core {
namespace {

using model::HeaderVersion;
using model::VolumeRecord;
using model::VolumeUuid;

constexpr std::string_view Manage = "volume:manage";
/// In base64 it is below the 65535 bytes of MariaDB's TEXT.
constexpr std::size_t PieceBytes = 45 * 1024;

Result<void> ask_about(const Context& context, const Caller& caller, const ProjectId& project) {
    Target target;
    target.set("target.volume.project_id", project.str());
    return context.ask(caller, Manage, target);
}

/// The record, if the caller may know of it.
Result<std::optional<VolumeRecord>> permitted(const Context& context, db::Session& session, const Caller& caller,
                                              const VolumeUuid& uuid) {
    auto record = TRY(db::find_volume(session, uuid));
    TRY(ask_about(context, caller, record ? record->project : caller.project));
    return record;
}

/// What a piece is bound to: nobody swaps two of them, or the headers of two volumes, unseen.
std::string associated_data(const VolumeUuid& uuid, const std::string& digest, std::size_t piece, std::size_t pieces) {
    return fmt::format("sallyport volume header\n{}\n{}\n{} of {}", uuid.str(), digest, piece, pieces);
}

std::size_t pieces_of(std::size_t bytes) { return (bytes + PieceBytes - 1) / PieceBytes; }

Result<std::vector<std::string>> seal(const SecureBytes& key, const HeaderVersion& facts,
                                      std::span<const std::byte> copy) {
    std::vector<std::string> pieces;
    const std::size_t count = pieces_of(copy.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto plain = copy.subspan(i * PieceBytes, std::min(PieceBytes, copy.size() - i * PieceBytes));
        crypto::AeadNonce nonce{};
        TRY(crypto::fill_random(nonce));
        const SecureBytes text = TRY(SecureBytes::copy_of(plain));
        const Bytes sealed =
            TRY(crypto::aead_seal(key, nonce, bytes_of(associated_data(facts.uuid, facts.digest, i, count)), text));
        Bytes piece(nonce.begin(), nonce.end());
        piece.insert(piece.end(), sealed.begin(), sealed.end());
        pieces.push_back(to_base64(piece));
    }
    return pieces;
}

Error not_what_was_kept(const HeaderVersion& facts, std::string detail) {
    return {Code::Corrupt,
            fmt::format("version {} of the header of volume {} is not what was kept: the database was changed",
                        facts.version, facts.uuid.str()),
            std::move(detail)};
}

Result<Bytes> unseal(const SecureBytes& key, const db::StoredHeader& stored) {
    const HeaderVersion& facts = stored.version;
    Bytes copy;
    for (std::size_t i = 0; i < stored.pieces.size(); ++i) {
        const Bytes piece = TRY(from_base64(stored.pieces[i]));
        crypto::AeadNonce nonce{};
        if (piece.size() < nonce.size()) return not_what_was_kept(facts, "a piece is cut off");
        std::copy_n(piece.begin(), nonce.size(), nonce.begin());
        const auto plain =
            crypto::aead_open(key, nonce, bytes_of(associated_data(facts.uuid, facts.digest, i, stored.pieces.size())),
                              std::span(piece).subspan(nonce.size()));
        if (!plain) return not_what_was_kept(facts, plain.error().message);
        const auto bytes = plain->reveal();
        copy.insert(copy.end(), bytes.begin(), bytes.end());
    }
    if (static_cast<std::int64_t>(copy.size()) != facts.size || to_hex(TRY(crypto::sha256(copy))) != facts.digest) {
        return not_what_was_kept(facts, "its digest differs");
    }
    return copy;
}

std::string name_of(const model::SecretConsumer& consumer) {
    return fmt::format("{} {} {}", consumer.service, consumer.resource_type, consumer.resource_id);
}

/// One that was deleted before has its ciphertext until `db clean`; of one that is gone nothing is left to destroy.
Result<void> may_be_destroyed(const Context& context, db::Session& session, const Caller& caller, const SecretId& id,
                              const std::string& consumer) {
    auto remains = db::find_remains(session, id);
    if (!remains && remains.error().code == Code::NotFound) return {};
    if (!remains) return std::move(remains).error();
    model::Secret& secret = remains->secret;
    TRY(context.ask(caller, "secret:delete", target_of(secret, caller, "secret:delete")));
    TRY(db::load_consumers(session, std::span(&secret, 1)));
    for (const model::SecretConsumer& one : secret.consumers) {
        if (remains->deleted || one.resource_id == consumer) continue;
        return Error{
            Code::Conflict,
            fmt::format("secret {} is in use by {}: what it opens there would be lost too", id.str(), name_of(one)),
            {}};
    }
    return {};
}

}  // namespace

Result<std::optional<VolumeRecord>> Volumes::find(const Caller& caller, const VolumeUuid& uuid) const {
    return context_.database->read(
        [this, &caller, &uuid](db::Session& session) { return permitted(context_, session, caller, uuid); });
}

Result<std::optional<VolumeRecord>> Volumes::find_on(const Caller& caller, const std::string& host,
                                                     const std::string& device) const {
    return context_.database->read(
        [this, &caller, &host, &device](db::Session& session) -> Result<std::optional<VolumeRecord>> {
            auto record = TRY(db::find_volume_on(session, host, device));
            TRY(ask_about(context_, caller, record ? record->project : caller.project));
            return record;
        });
}

Result<void> Volumes::put(const Caller& caller, VolumeRecord record) const {
    return context_.database->write([this, &caller, &record](db::Session& session) -> Result<void> {
        const auto known = TRY(permitted(context_, session, caller, record.uuid));
        VolumeRecord wanted = record;
        wanted.project = known ? known->project : caller.project;
        return db::put_volume(session, wanted, context_.clock.now());
    });
}

Result<void> Volumes::forget(const Caller& caller, const VolumeUuid& uuid) const {
    return context_.database->write([this, &caller, &uuid](db::Session& session) -> Result<void> {
        TRY(permitted(context_, session, caller, uuid));
        return db::forget_volume(session, uuid);
    });
}

Result<HeaderVersion> Volumes::keep_header(const Caller& caller, const HeaderVersion& facts,
                                           std::span<const std::byte> copy) const {
    db::StoredHeader stored;
    stored.id = db::HeaderCopyId(random_uuid());
    stored.version = facts;
    stored.version.digest = to_hex(TRY(crypto::sha256(copy)));
    stored.version.size = static_cast<std::int64_t>(copy.size());
    const SecureBytes key = TRY(crypto::random_secret(crypto::AeadKeyBytes));
    stored.pieces = TRY(seal(key, stored.version, copy));
    return context_.database->write([this, &caller, &stored, &key](db::Session& session) -> Result<HeaderVersion> {
        const auto known = TRY(permitted(context_, session, caller, stored.version.uuid));
        const auto kept = TRY(db::list_headers(session, stored.version.uuid));
        if (!kept.empty() && kept.front().digest == stored.version.digest) return kept.front();
        db::StoredHeader row = stored;
        row.project = known ? known->project : caller.project;
        row.kek = TRY(ensure_kek(context_, session, row.project));
        row.key = TRY(context_.store->wrap(row.kek, {SecretId(row.id.str()), row.project}, key));
        HeaderVersion version = row.version;
        version.created = context_.clock.now();
        version.version = TRY(db::insert_header(session, row, version.created));
        return version;
    });
}

Result<std::vector<HeaderVersion>> Volumes::headers(const Caller& caller, const VolumeUuid& uuid) const {
    return context_.database->read([this, &caller, &uuid](db::Session& session) -> Result<std::vector<HeaderVersion>> {
        TRY(permitted(context_, session, caller, uuid));
        return db::list_headers(session, uuid);
    });
}

Result<Bytes> Volumes::header(const Caller& caller, const VolumeUuid& uuid, int version) const {
    const db::StoredHeader stored =
        TRY(context_.database->read([this, &caller, &uuid, version](db::Session& session) -> Result<db::StoredHeader> {
            TRY(permitted(context_, session, caller, uuid));
            return db::find_header(session, uuid, version);
        }));
    const SecureBytes key =
        TRY(context_.store->unwrap(stored.kek, {SecretId(stored.id.str()), stored.project}, stored.key));
    return unseal(key, stored);
}

Result<long> Volumes::destroy_headers_before(const Caller& caller, const VolumeUuid& uuid, int version) const {
    return context_.database->write([this, &caller, &uuid, version](db::Session& session) -> Result<long> {
        TRY(permitted(context_, session, caller, uuid));
        return db::destroy_headers_before(session, uuid, version);
    });
}

Result<void> Volumes::may_destroy_secret(const Caller& caller, const SecretId& id, const std::string& consumer) const {
    return context_.database->read([this, &caller, &id, &consumer](db::Session& session) {
        return may_be_destroyed(context_, session, caller, id, consumer);
    });
}

Result<long> Volumes::destroy_secret(const Caller& caller, const SecretId& id, const std::string& consumer) const {
    return context_.database->write([this, &caller, &id, &consumer](db::Session& session) -> Result<long> {
        TRY(may_be_destroyed(context_, session, caller, id, consumer));
        return db::destroy_secret(session, id, context_.clock.now());
    });
}

Result<bool> Volumes::is_destroyed(const SecretId& id) const {
    const long left =
        TRY(context_.database->read([&id](db::Session& session) { return db::count_ciphertexts(session, id); }));
    return left == 0;
}

Result<std::vector<VolumeRecord>> Volumes::known_on(const std::string& host) const {
    return context_.database->read([&host](db::Session& session) { return db::list_volumes(session, host); });
}

Result<std::optional<HeaderVersion>> Volumes::newest_header(const VolumeUuid& uuid) const {
    auto kept = TRY(context_.database->read([&uuid](db::Session& session) { return db::list_headers(session, uuid); }));
    if (kept.empty()) return std::optional<HeaderVersion>();
    return std::optional(std::move(kept.front()));
}

}  // namespace sallyport::core
