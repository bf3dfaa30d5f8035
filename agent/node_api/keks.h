#pragma once

#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/http_message.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/kek_care.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::node_api {

/// Master keys and project KEKs, for local administrators. JSON in and out; no key passes, only fingerprints.
///
///   GET  /sallyport/v1/keks?after=&limit=  one page of a count: {"master_keys": [{source, fingerprint, writes,
///                                          project_keks}], "canary": n|null, "total", "retired", "unreadable",
///                                          "unreadable_ids", "next"}
///   POST /sallyport/v1/keks/rewrap         {what: "keks"|"payloads", after, limit}: {"examined", "changed",
///                                          "unreadable", "next"}; {what: "canary"}: {"changed": 0|1}
///   POST /sallyport/v1/keks/rotate         {project}: {"kek"}; {after, limit}: {"changed", "next"} for the projects of
///   a
///                                          page
///
/// A caller that wants all drives the pages, and so decides how fast. Only callers with the role admin are heard, and
/// the route belongs on UNIX sockets alone.
class KekRoutes {
public:
    /// Both must outlive this.
    KekRoutes(core::KekCare care, const store::SecretStore& store) : care_(care), store_(store) {}

    /// Never throws and always answers. Blocks: use it from a lane.
    api::Response handle(const api::Request& request, const core::Caller& caller);
    /// What the server serves: handle() on the lane. This and the lane must outlive it.
    http::Route route(lanes::Lane& lane);

private:
    core::KekCare care_;
    const store::SecretStore& store_;
};

}  // namespace sallyport::node_api
