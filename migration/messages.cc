#include "migration/messages.h"

#include <fmt/format.h>

namespace sallyport::migration::messages {
namespace {

Message info(std::string text) { return {LogLevel::Info, std::move(text)}; }
Message warning(std::string text) { return {LogLevel::Warning, std::move(text)}; }
Message error(std::string text) { return {LogLevel::Error, std::move(text)}; }

}  // namespace

Message key_manager_still_in_use() {
    return info("Not migrating encryption keys because the ConfKeyManager is still in use.");
}

Message fixed_key_not_in_use() {
    return info("Not migrating encryption keys because the ConfKeyManager's fixed_key is not in use.");
}

Message backend_not_supported(std::string_view backend) {
    return warning(fmt::format(
        "Not migrating encryption keys because migration to the '{}' key_manager backend is not supported.", backend));
}

Message nothing_on_this_host(CinderRelease release) {
    return info(fmt::format("Not migrating encryption keys because there are no {} associated with this host.",
                            release == CinderRelease::Queens ? "volumes" : "volumes or backups"));
}

Message starting() { return info("Starting migration of ConfKeyManager keys."); }

Message no_barbican_client(std::string_view why) {
    return error(fmt::format("Aborting encryption key migration due to error creating Barbican client: {}", why));
}

Message migrating(Kind kind, std::string_view id, CinderRelease release) {
    const auto text = [id](std::string_view what) {
        return info(fmt::format("Migrating {} {} encryption key to Barbican", what, id));
    };
    switch (kind) {
        case Kind::Backup: return text("Backup");
        case Kind::Snapshot: return text("Snapshot");  // Cinder says nothing of snapshots: they go with their volume
        case Kind::Volume: break;
    }
    switch (release) {
        case CinderRelease::Queens: return text("volume");
        case CinderRelease::Rocky: return text("Volume");
        case CinderRelease::Stein: break;
    }
    return text("VolumeMigration");
}

Message row_failed(std::string_view why) { return error(fmt::format("Error migrating encryption key: {}", why)); }

Message too_many_errors() { return error("Aborting encryption key migration (too many errors)."); }

Message volumes_left(long count) {
    if (count == 0) return info("No volumes are using the ConfKeyManager's encryption_key_id.");
    return warning(
        fmt::format("There are still {} volume(s) using the ConfKeyManager's all-zeros encryption key ID.", count));
}

Message backups_left(long count) {
    if (count == 0) return info("No backups are known to be using the ConfKeyManager's encryption_key_id.");
    return warning(
        fmt::format("There are still {} backups(s) using the ConfKeyManager's all-zeros encryption key ID.", count));
}

}  // namespace sallyport::migration::messages
