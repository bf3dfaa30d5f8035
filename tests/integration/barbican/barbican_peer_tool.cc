// barbican_peer_tool store DATABASE KEK_FILE PROJECT [TEXT...]   stores each TEXT in Barbican's envelope; prints the
// ids barbican_peer_tool read DATABASE KEK_FILE PROJECT              prints "name: payload in hexadecimal" of every
// secret
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/uuid.h"
#include "keymanager/db/repository.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport {
namespace {

Result<model::KekMeta> ensure_kek(db::Session& session, store::SecretStore& store, const ProjectId& project) {
    const Timestamp now = system_clock().now();
    TRY(db::ensure_project(session, project, now));
    if (auto found = TRY(db::find_kek(session, project, store.info().crypto_plugin))) return *std::move(found);
    model::KekMeta kek = TRY(store.bind_kek(project));
    TRY(db::insert_kek(session, kek, now));
    return kek;
}

Result<SecretId> store_text(db::Session& session, store::SecretStore& store, const ProjectId& project,
                            std::string_view text) {
    const model::KekMeta kek = TRY(ensure_kek(session, store, project));
    model::Secret secret;
    secret.id = SecretId(random_uuid());
    secret.project = project;
    secret.attributes.name = std::string(text);
    secret.creator = UserId("creator");
    secret.created = secret.updated = system_clock().now();
    TRY(db::insert_secret(session, secret));
    const auto wrapped = TRY(store.wrap(kek, {secret.id, project}, TRY(SecureBytes::copy_of(bytes_of(text)))));
    TRY(db::insert_payload(session, secret.id, kek.id, wrapped, "text/plain", store.info().store_plugin,
                           secret.created));
    return secret.id;
}

Result<void> print_all(db::Session& session, store::SecretStore& store, const ProjectId& project) {
    const Timestamp now = system_clock().now();
    for (const auto& listed : TRY(db::list_secrets(session, project, {}, {100, 0}, now)).items) {
        const auto found = TRY(db::find_secret_with_payload(session, listed.id, now));
        if (!found.payload) continue;
        const SecureBytes payload = TRY(store.unwrap(found.payload->kek, {listed.id, project}, found.payload->wrapped));
        // The payloads of this test are no secrets.
        std::printf("%s: %s\n", listed.attributes.name.value_or("-").c_str(), to_hex(payload.reveal()).c_str());
    }
    return {};
}

Result<void> run(std::span<char*> args) {
    TRY(open_secure_arena({.insecure_allow_unlocked_memory = true}));
    if (args.size() < 5) return Error{Code::InvalidInput, "usage: store|read DATABASE KEK_FILE PROJECT [TEXT...]", {}};
    // A path, or the URL of a server.
    const std::string where = args[2];
    const char* password_file = std::getenv("DATABASE_PASSWORD_FILE");
    const auto database = TRY(db::make_database({where.find("://") == std::string::npos ? "sqlite:///" + where : where,
                                                 password_file != nullptr ? password_file : "", 1}));
    TRY(database->create_schema());
    const auto store =
        TRY(store::make_simple_crypto({"Software", {args[3]}, store::Envelope::Barbican}, system_clock()));
    const ProjectId project(args[4]);
    if (std::string_view(args[1]) == "read") {
        return database->read([&](db::Session& session) { return print_all(session, *store, project); });
    }
    for (const char* text : args.subspan(5)) {
        const auto id =
            TRY(database->write([&](db::Session& session) { return store_text(session, *store, project, text); }));
        std::printf("%s\n", id.str().c_str());
    }
    return {};
}

}  // namespace
}  // namespace sallyport

int main(int argc, char** argv) {
    const auto outcome = sallyport::run(std::span(argv, static_cast<std::size_t>(argc)));
    if (outcome) return 0;
    std::fprintf(stderr, "%s %s\n", outcome.error().message.c_str(), outcome.error().detail.c_str());
    return 1;
}
