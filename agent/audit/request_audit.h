#pragma once

#include <string>
#include <string_view>

#include "agent/audit/audit_log.h"
#include "agent/http/peer.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::audit {

/// Decides what of the REST and node APIs is written: every change, every answer that releases a key, every refusal by
/// the policy; not the reading of metadata. Thread-safe.
class RequestAudit {
public:
    explicit RequestAudit(AuditLog& log) : log_(log) {}

    /// Before a request is served. Error: `Unavailable` if it would need a line and none can be written.
    Result<void> admit(const api::Request& request);

    /// After it was served, before the answer leaves. Error: `Unavailable` if its line could not be written and the
    /// answer holds a key, which must then stay here. A change that has happened is answered as it is: the process's
    /// log has the line's facts then.
    Result<void> record(const api::Request& request, const core::Caller* caller, const http::Peer& peer,
                        const api::Response& response);

    /// A key that a door of this node uses on its own: root secrets, a volume's or a guest's key. To be called before
    /// the key is used, on the thread whose LogScope names the request, if there is one. Error: `Unavailable` if it
    /// must not be.
    Result<void> record_use(std::string_view event, const core::Caller& caller, const SecretId& id, Outcome outcome);
    /// The process's own life: "agent.started".
    void record_plain(std::string_view event, std::vector<std::pair<std::string_view, std::string_view>> facts);

private:
    Result<void> write(const Event& event, bool releases_key);
    AuditLog& log_;
};

/// "secret.payload.read" for GET /v1/secrets/{id}/payload; empty for what is no object of the API. For the log.
std::string event_name(std::string_view method, std::string_view target);

}  // namespace sallyport::audit
