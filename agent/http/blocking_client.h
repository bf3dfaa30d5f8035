#pragma once

#include <chrono>
#include <memory>

#include "agent/http/client.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"

namespace sallyport::http {

/// A Client for threads that may block: calls of any number of threads go through one event loop of its own, which
/// keeps their connections open for later calls. No call may be under way when it goes.
class BlockingClient {
public:
    explicit BlockingClient(Endpoint endpoint, const ClientConfig& config = {});
    ~BlockingClient();
    BlockingClient(const BlockingClient&) = delete;
    BlockingClient& operator=(const BlockingClient&) = delete;

    /// As Client::fetch; returns when the answer is there.
    Result<api::Response> fetch(const api::Request& request, std::chrono::milliseconds within);

    const Endpoint& endpoint() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::http
