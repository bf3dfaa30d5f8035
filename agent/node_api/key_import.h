#pragma once

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::node_api {

/// Keys that a migration brings in, many at a time (256 at most), for local administrators:
///
///   GET  /sallyport/v1/key-import/stored?prefix=&offset=&limit=   {"keys": [{id, name}]}, oldest first
///   POST /sallyport/v1/key-import/store    {"owner", "keys": [{name, user, project, readers: [{user, project}]}]}:
///                                          {"secrets": [id]}
///   POST /sallyport/v1/key-import/generate {"owner", "keys": [{name, user, project}]}: {"secrets": [id]}; each a new
///                                          random key of 256 bits
///   POST /sallyport/v1/key-import/confirm  {"owner", "keys": [{id, user, project}]}: {"answers": [null | {code,
///   message}]} POST /sallyport/v1/key-import/grant    {"keys": [{id, user, project, readers}]}: {}; whoever of them
///   cannot
///                                          read it gets into its access list
///   POST /sallyport/v1/key-import/look     {"keys": [{id, user, project}]}: {"states":
///   ["readable"|"refused"|"missing"]} POST /sallyport/v1/key-import/remove   {"id"}: {}
///
/// `store` and `confirm` have the key's hexadecimal digits on the body's first line and the JSON after it, so that no
/// key ever is in a JSON value. "owner": "tenant" makes each key one of the project and user that it names, as Cinder's
/// own keys are; the policy is asked about him, with the role creator. "owner": "service" makes all of them the
/// caller's, and lets those users in by access lists, as Cinder's own migration did.
///
/// Only callers with the role admin are heard, and the route belongs on UNIX sockets alone.
class KeyImportRoutes {
public:
    /// It must outlive this.
    explicit KeyImportRoutes(core::KeyManager& key_manager) : key_manager_(key_manager) {}

    /// Never throws and always answers. Blocks: use it from the lane `keys`.
    api::Response handle(const api::Request& request, const core::Caller& caller);
    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    core::KeyManager& key_manager_;
};

}  // namespace sallyport::node_api
