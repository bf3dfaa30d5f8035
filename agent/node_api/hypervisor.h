#pragma once

#include <functional>
#include <utility>

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "integrations/libvirt/hypervisor.h"
#include "integrations/volume/passphrase.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::node_api {

/// The hypervisor of this node, for local administrators. A JSON object in and out; keys are named by id, no secret
/// bytes pass.
///
///   GET  /sallyport/v1/libvirt         {"secrets": [{volume, uuid, ephemeral, private, ours}]}
///   POST /sallyport/v1/libvirt/inject  {volume, key, uuid?, force?}, or {domain, keys, force?}, where `keys` maps each
///                                      encrypted disk (or its volume) to a key's id, and "*" is a domain's only one:
///                                      {"secrets": [{disk?, volume, uuid}]}
///   POST /sallyport/v1/libvirt/drop    {volume, force?}: {"dropped": whether there was one}
///
/// `force` also takes secrets that Sallyport did not make (libvirt::ForeignSecret). Only callers with the role admin
/// are heard, and the route belongs on UNIX sockets alone. Keys are fetched with the caller's own rights.
class HypervisorRoutes {
public:
    /// The passphrase that a key makes, fetched with the caller's own rights.
    using Passphrases = std::function<Result<volume::Passphrase>(const core::Caller&, const SecretId&)>;

    /// Both must outlive this.
    HypervisorRoutes(libvirt::Hypervisor& hypervisor, Passphrases passphrases)
        : hypervisor_(hypervisor), passphrases_(std::move(passphrases)) {}

    /// Never throws and always answers. Blocks: use it from the lane `hypervisor`.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    libvirt::Hypervisor& hypervisor_;
    Passphrases passphrases_;
};

}  // namespace sallyport::node_api
