#pragma once

#include <boost/json/object.hpp>

#include <string>

#include "agent/guests/keeper.h"
#include "agent/guests/volume_keys.h"
#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "integrations/libvirt/hypervisor.h"
#include "keymanager/api/http_message.h"
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
///   POST /sallyport/v1/libvirt/sync    {force?}: {"secrets": [{volume, action, uuid, domain, disk, reason}]}
///   POST /sallyport/v1/libvirt/hook    {domain, milliseconds, disks: [{volume, uuid?, disk?, device?}]}, what a
///                                      domain that is about to start needs: the same answer, once it is there
///
/// `force` also takes secrets that Sallyport did not make (libvirt::ForeignSecret). Only callers with the role admin
/// are heard, and the route belongs on UNIX sockets alone. Keys are fetched with the caller's own rights. A key that
/// was injected is noted as the volume's.
class HypervisorRoutes {
public:
    /// All must outlive this.
    HypervisorRoutes(libvirt::Hypervisor& hypervisor, guests::Keeper& keeper, guests::VolumeKeys& keys)
        : hypervisor_(hypervisor), keeper_(keeper), keys_(keys) {}

    /// Never throws and always answers. Blocks: use it from the lane `hypervisor`.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);
    /// The hook's part of it, on a lane where nothing waits for a domain: libvirt holds the domain's lock meanwhile.
    http::Route hook_route(lanes::Lane& lane);

private:
    http::Route route_at(std::string prefix, lanes::Lane& lane);

    libvirt::Hypervisor& hypervisor_;
    guests::Keeper& keeper_;
    guests::VolumeKeys& keys_;
};

/// One disk of a hook's call as JSON, and back. Error: `InvalidInput`.
boost::json::object to_json(const guests::Need& need);
Result<guests::Need> need_from(const boost::json::object& disk, const std::string& domain);

}  // namespace sallyport::node_api
