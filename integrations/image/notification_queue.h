#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::image {

/// Where a service's notifications are in RabbitMQ, as oslo.messaging lays them out.
struct NotificationSource {
    std::string ca_file;                         ///< authorities that may vouch for the broker; empty: the system's
    std::string exchange = "glance";             ///< the service's control_exchange: a topic exchange
    std::string routing = "notifications.info";  ///< the routing key: topic, a dot, priority
    std::string queue = "sallyport.image-keys";  ///< whose messages are taken; made, durable, if it is not there
    bool durable_exchange = false;               ///< the service's amqp_durable_queues, should we be the first
};

/// One message. It stays with the broker until it is acknowledged, and comes again if this connection ends before.
struct Notification {
    std::uint64_t tag = 0;
    std::string body;
};

/// Notifications from one broker, one at a time. Errors of all calls: `Unavailable`: the connection is of no more use.
///
/// Used by one thread. Calls block. The connection's heartbeats are answered only within next(): a caller that pauses
/// for a minute without it is dropped, and connects again.
class NotificationQueue {
public:
    /// `url`: "amqp://user:password@host:port/vhost", or amqps:// for TLS (the broker's name is verified).
    /// The exchange and the queue are used as they are found, and made if they are missing: whoever notifies first need
    /// not have come yet. Error: also `InvalidInput` for a URL that is none.
    static Result<std::unique_ptr<NotificationQueue>> connect(const SecureBytes& url, const NotificationSource& source);
    virtual ~NotificationQueue() = default;

    /// The next message; nothing if none comes in that time.
    virtual Result<std::optional<Notification>> next(std::chrono::milliseconds within) = 0;
    /// It was acted upon: the broker forgets it.
    virtual Result<void> acknowledge(const Notification& notification) = 0;
    /// Nobody can ever act upon it: the broker forgets it, or keeps it where its policy sends dead letters.
    virtual Result<void> reject(const Notification& notification) = 0;
};

}  // namespace sallyport::image
