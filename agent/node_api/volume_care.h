#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "agent/node_api/header_scrub.h"
#include "agent/node_api/progress.h"
#include "integrations/volume/passphrase.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::node_api {

struct VolumeCareConfig {
    std::string host;  ///< this machine, in the key manager's records
    bool keep_copies = true;
    std::string erasures{};  ///< the folder of certificates
    std::string program{};   ///< what certificates call this program
    /// Drops copies of a secret that others on this node hold; says which.
    std::function<Result<std::vector<std::string>>(const SecretId&)> drop_cached{};
    HeaderScrub* scrub = nullptr;       ///< outlives the routes, as the board does
    ProgressBoard* board = nullptr;     ///< where a re-encryption says how far it is
    std::function<bool()> may_go_on{};  ///< asked by a re-encryption now and then: the agent does not end
};

/// Headers and keys of this node's volumes, with what the key manager keeps of them:
///   POST
///   /sallyport/v1/volume-care/header-backup|header-list|header-check|header-export|header-restore|rotate|rekey-clone|reencrypt|erase
/// a JSON object in and out. "rotate" may name an "owner" {user, project} whose keys they are, and "keep_old" to end
/// while both keys open. As
/// VolumeRoutes: for local callers with the role admin, on UNIX sockets alone, paths absolute, secrets by their ids.
/// Beside that role "volume:manage" is asked about each volume.
class VolumeCareRoutes {
public:
    /// The passphrase that a key makes, fetched with the caller's own rights.
    using Passphrases = std::function<Result<volume::Passphrase>(const core::Caller&, const SecretId&)>;

    /// The key manager must outlive this.
    VolumeCareRoutes(core::KeyManager& key_manager, Passphrases passphrases, VolumeCareConfig config)
        : key_manager_(key_manager), passphrases_(std::move(passphrases)), config_(std::move(config)) {}

    /// Never throws and always answers. Blocks, for seconds: use it from the lane `volumes`; `reencrypt` for hours:
    /// that from a lane of its own.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on a lane. This and the lanes must outlive it.
    http::Route route(lanes::Lane& lane, lanes::Lane& long_lane);

private:
    core::KeyManager& key_manager_;
    Passphrases passphrases_;
    VolumeCareConfig config_;
};

}  // namespace sallyport::node_api
