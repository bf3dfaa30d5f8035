#pragma once

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/volume_keys.h"

namespace sallyport::node_api {

/// The keys of Cinder's volumes, for what manages those on this node. A JSON object in and out, no secret bytes pass.
///
///   POST /sallyport/v1/volume-keys/create  {volume, cipher?, key_size?}: {volume, secret}
///   POST /sallyport/v1/volume-keys/clone   {volume, source}: {volume, secret}; another key like `source`
///   POST /sallyport/v1/volume-keys/find    {volume}: {volume, secrets: […]}
///   POST /sallyport/v1/volume-keys/delete  {volume, secret}: the same
///
/// The policy decides who is heard, as at the REST door. Routes of UNIX sockets alone.
class VolumeKeyRoutes {
public:
    /// It must outlive this.
    explicit VolumeKeyRoutes(core::VolumeKeys& volume_keys) : volume_keys_(volume_keys) {}

    /// Never throws and always answers. Blocks: use it from the lane `keys`.
    api::Response handle(const api::Request& request, const core::Caller& caller);

    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    core::VolumeKeys& volume_keys_;
};

}  // namespace sallyport::node_api
