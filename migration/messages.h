#pragma once

#include <string>
#include <string_view>

#include "keymanager/base/log.h"
#include "migration/cinder_catalog.h"

/// What Cinder's own migration (module cinder.keymgr.migration) writes to its log, word for word: runbooks and alarms
/// look for it. Spelling mistakes are Cinder's.
namespace sallyport::migration::messages {

struct Message {
    LogLevel level;
    std::string text;
    friend bool operator==(const Message&, const Message&) = default;
};

/// The releases whose words differ. Each stands for those up to the next.
enum class CinderRelease { Queens, Rocky, Stein };

/// Why nothing was migrated.
Message key_manager_still_in_use();
Message fixed_key_not_in_use();
Message backend_not_supported(std::string_view backend);
Message nothing_on_this_host(CinderRelease release = CinderRelease::Stein);

/// While it runs. Queens knows no backups.
Message starting();
Message no_barbican_client(std::string_view why);
Message migrating(Kind kind, std::string_view id, CinderRelease release = CinderRelease::Stein);
Message row_failed(std::string_view why);
Message too_many_errors();

/// The summary, of the whole database.
Message volumes_left(long count);
Message backups_left(long count);

}  // namespace sallyport::migration::messages
