#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "agent/node_api/progress.h"
#include "integrations/volume/attacher.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/volume.h"

namespace sallyport::node_api {

/// The volumes of this node, for local administrators:
///   POST /sallyport/v1/volumes/format|open|close|resize|test|encrypt|decrypt    JSON in and out
///   GET  /sallyport/v1/volumes                                          {"mappings": […]}
///   GET  /sallyport/v1/volumes/progress/JOB                             {"job", "done", "total"}: how far the request
///                                                                       is that was sent with {"job": JOB}
/// Requests name a secret of the key manager ("secret": its id) and a device ("device"); no secret bytes pass. Answers
/// are those of volume_json.h, errors those of the key manager's API.
///
/// The agent opens the paths with its own rights: hence only callers with the role admin are heard, and the route
/// belongs on UNIX sockets alone, whose callers the kernel vouches for. Paths must be absolute and free of symbolic
/// links and "..".
class VolumeRoutes {
public:
    /// The passphrase that a key makes, fetched with the caller's own rights.
    using Passphrases = std::function<Result<volume::Passphrase>(const core::Caller&, const SecretId&)>;

    /// Keeps the header that a forced format is about to destroy, as the caller may; nullopt if there is none.
    using KeepHeader =
        std::function<Result<std::optional<model::HeaderVersion>>(const core::Caller&, const volume::DevicePath&)>;

    /// The first two must outlive this. Without `keep_header` no headers are kept.
    VolumeRoutes(volume::VolumeEncryptor& volumes, volume::Attacher& attacher, Passphrases passphrases,
                 volume::UnlockProfile default_profile, KeepHeader keep_header = {})
        : volumes_(volumes),
          attacher_(attacher),
          passphrases_(std::move(passphrases)),
          default_profile_(default_profile),
          keep_header_(std::move(keep_header)) {}

    /// Never throws and always answers. Blocks, for seconds: use it from the lane `volumes`; `encrypt` and `decrypt`
    /// for hours: these from a lane of their own.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// Never blocks: for the edge, since the lane is busy with what is asked about.
    api::Response progress(const api::Request& request, const core::Caller& caller) const;

    /// What the server serves: handle() on a lane. This and the lanes must outlive it.
    http::Route route(lanes::Lane& lane, lanes::Lane& long_lane);

    /// Where others note how far their long requests are; `progress` tells it.
    ProgressBoard& board() { return board_; }

private:
    volume::VolumeEncryptor& volumes_;
    volume::Attacher& attacher_;
    Passphrases passphrases_;
    volume::UnlockProfile default_profile_;
    KeepHeader keep_header_;
    ProgressBoard board_;
};

/// A path that the agent may open for a caller: absolute, without "." and "..", and through no symbolic link but udev's
/// own under /dev (whose target is given back). Error: `InvalidInput`, `NotFound`.
Result<volume::DevicePath> checked_path(const std::string& path);
/// The same for a file that is to be made: its folder is checked, and whoever makes it follows nothing.
Result<volume::DevicePath> checked_new_path(const std::string& path);

/// The same for a volume that is attached: a link that leads into /dev stays as it is, since the mapping is called
/// after it and it may be replaced. Its folder must be free of links, outside of /dev. Error: `InvalidInput`,
/// `NotFound`.
Result<volume::DevicePath> checked_link(const std::string& path);

}  // namespace sallyport::node_api
