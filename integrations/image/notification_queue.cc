#include "integrations/image/notification_queue.h"

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "keymanager/base/bytes.h"

namespace sallyport::image {
namespace {

constexpr amqp_channel_t Channel = 1;
constexpr int LargestFrame = 131072;
constexpr int HeartbeatSeconds = 60;
constexpr timeval ConnectTime{10, 0};
/// Should nobody consume for long: the oldest go first, and polling finds their images.
constexpr std::int32_t LongestQueue = 100'000;

struct DestroyConnection {
    void operator()(amqp_connection_state_t connection) const { amqp_destroy_connection(connection); }
};
using Connection = std::unique_ptr<amqp_connection_state_t_, DestroyConnection>;

amqp_bytes_t amqp_text(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};  // the library does not write into arguments
}

std::string_view text_of_bytes(const amqp_bytes_t& bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

/// What the broker says when it closes a channel or a connection.
std::string words_of(const amqp_method_t& method) {
    if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
        return std::string(text_of_bytes(static_cast<const amqp_channel_close_t*>(method.decoded)->reply_text));
    }
    if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
        return std::string(text_of_bytes(static_cast<const amqp_connection_close_t*>(method.decoded)->reply_text));
    }
    return fmt::format("method {:#x}", method.id);
}

Error lost(const char* what, std::string why) {
    return {Code::Unavailable, fmt::format("RabbitMQ: {}: {}", what, why), {}};
}

Result<void> succeeded(const char* what, const amqp_rpc_reply_t& reply) {
    switch (reply.reply_type) {
        case AMQP_RESPONSE_NORMAL: return {};
        case AMQP_RESPONSE_NONE: return lost(what, "no answer");
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: return lost(what, amqp_error_string2(reply.library_error));
        case AMQP_RESPONSE_SERVER_EXCEPTION: return lost(what, words_of(reply.reply));
    }
    return lost(what, "an answer of no known kind");
}

Result<void> succeeded(const char* what, int status) {
    if (status == AMQP_STATUS_OK) return {};
    return lost(what, amqp_error_string2(status));
}

bool is_not_found(const amqp_rpc_reply_t& reply) {
    return reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
           static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_code == AMQP_NOT_FOUND;
}

/// A URL taken apart within locked memory. The parts point into `bytes`.
struct Address {
    SecureBytes bytes;
    amqp_connection_info parts{};
};

Result<Address> parse(const SecureBytes& url) {
    Address address { TRY(SecureBytes::of_size(url.size() + 1)) };
    const std::span<std::byte> text = address.bytes.writable();
    std::memcpy(text.data(), url.reveal().data(), url.size());
    text.back() = std::byte{0};
    amqp_default_connection_info(&address.parts);
    if (amqp_parse_url(reinterpret_cast<char*>(text.data()), &address.parts) != AMQP_STATUS_OK) {
        return Error{Code::InvalidInput, "RabbitMQ: expected amqp://user:password@host:port/vhost, or amqps://", {}};
    }
    return address;
}

/// The socket belongs to the connection.
Result<amqp_socket_t*> make_socket(amqp_connection_state_t connection, const Address& address,
                                   const std::string& ca_file) {
    const Error no_memory{Code::Unavailable, "RabbitMQ: no memory for a socket", {}};
    if (address.parts.ssl == 0) {
        amqp_socket_t* plain = amqp_tcp_socket_new(connection);
        if (plain == nullptr) return no_memory;
        return plain;
    }
    amqp_socket_t* tls = amqp_ssl_socket_new(connection);
    if (tls == nullptr) return no_memory;
    amqp_ssl_socket_set_verify_peer(tls, 1);
    amqp_ssl_socket_set_verify_hostname(tls, 1);
    TRY(succeeded("TLS 1.2", amqp_ssl_socket_set_ssl_versions(tls, AMQP_TLSv1_2, AMQP_TLSvLATEST)));
    if (!ca_file.empty()) {
        TRY(succeeded(ca_file.c_str(), amqp_ssl_socket_set_cacert(tls, ca_file.c_str())));
    } else if (SSL_CTX_set_default_verify_paths(static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(tls))) != 1) {
        return lost("TLS", "the system's authorities cannot be loaded");
    }
    return tls;
}

class RabbitQueue final : public NotificationQueue {
public:
    RabbitQueue() : connection_(amqp_new_connection()) {}

    Result<void> open(const Address& address, const NotificationSource& source) {
        if (connection_ == nullptr) return Error{Code::Unavailable, "RabbitMQ: no memory for a connection", {}};
        amqp_socket_t* socket = TRY(make_socket(raw(), address, source.ca_file));
        const std::string where = fmt::format("cannot connect to {}:{}", address.parts.host, address.parts.port);
        TRY(succeeded(where.c_str(),
                      amqp_socket_open_noblock(socket, address.parts.host, address.parts.port, &ConnectTime)));
        const auto login = amqp_login(raw(), address.parts.vhost, 1, LargestFrame, HeartbeatSeconds,
                                      AMQP_SASL_METHOD_PLAIN, address.parts.user, address.parts.password);
        // A broker that refuses an account closes the connection without a word.
        TRY(succeeded(fmt::format("log-in to {} as {}", address.parts.host, address.parts.user).c_str(), login));
        TRY(open_channel());
        TRY(ensure_exchange(source));
        TRY(ensure_queue(source));
        const std::string& queue = source.queue;
        amqp_queue_bind(raw(), Channel, amqp_text(queue), amqp_text(source.exchange), amqp_text(source.routing),
                        amqp_empty_table);
        TRY(answered("binding the queue"));
        // One at a time: what is not acted upon stays with the broker.
        amqp_basic_qos(raw(), Channel, 0, 1, 0);
        TRY(answered("prefetch"));
        amqp_basic_consume(raw(), Channel, amqp_text(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
        return answered("consuming");
    }

    Result<std::optional<Notification>> next(std::chrono::milliseconds within) override {
        amqp_maybe_release_buffers(raw());
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(within);
        const timeval limit{whole.count(),
                            std::chrono::duration_cast<std::chrono::microseconds>(within - whole).count()};
        amqp_envelope_t envelope{};
        const amqp_rpc_reply_t reply = amqp_consume_message(raw(), &envelope, &limit, 0);
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) {
            return std::optional<Notification>();
        }
        // Whatever else comes than a message ends the consumer: the queue was deleted, the broker stops.
        TRY(succeeded("waiting for a notification", reply));
        Notification notification{envelope.delivery_tag, std::string(text_of_bytes(envelope.message.body))};
        amqp_destroy_envelope(&envelope);
        return std::optional(std::move(notification));
    }

    Result<void> acknowledge(const Notification& notification) override {
        return succeeded("acknowledging", amqp_basic_ack(raw(), Channel, notification.tag, 0));
    }
    Result<void> reject(const Notification& notification) override {
        return succeeded("rejecting", amqp_basic_reject(raw(), Channel, notification.tag, 0));
    }

private:
    amqp_connection_state_t raw() const { return connection_.get(); }

    Result<void> answered(const char* what) { return succeeded(what, amqp_get_rpc_reply(raw())); }

    Result<void> open_channel() {
        amqp_channel_open(raw(), Channel);
        return answered("opening a channel");
    }

    /// The broker closes the channel over the question for something that is not there.
    Result<bool> is_there(const char* what) {
        const amqp_rpc_reply_t reply = amqp_get_rpc_reply(raw());
        if (!is_not_found(reply)) {
            TRY(succeeded(what, reply));
            return true;
        }
        amqp_channel_close_ok_t closed{};
        TRY(succeeded(what, amqp_send_method(raw(), Channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed)));
        TRY(open_channel());
        return false;
    }

    /// Whoever declares with other properties than the first is refused: so it is asked for before it is made.
    Result<void> ensure_exchange(const NotificationSource& source) {
        const auto declare = [this, &source](bool passive) {
            amqp_exchange_declare(raw(), Channel, amqp_text(source.exchange), amqp_text("topic"), passive ? 1 : 0,
                                  source.durable_exchange ? 1 : 0, 0, 0, amqp_empty_table);
        };
        declare(true);
        if (TRY(is_there("looking for the exchange"))) return {};
        declare(false);
        return answered("declaring the exchange");
    }

    Result<void> ensure_queue(const NotificationSource& source) {
        amqp_queue_declare(raw(), Channel, amqp_text(source.queue), 1, 0, 0, 0, amqp_empty_table);
        if (TRY(is_there("looking for the queue"))) return {};
        std::array<amqp_table_entry_t, 1> bounds{};
        bounds[0].key = amqp_text("x-max-length");
        bounds[0].value.kind = AMQP_FIELD_KIND_I32;
        bounds[0].value.value.i32 = LongestQueue;
        const amqp_table_t arguments{static_cast<int>(bounds.size()), bounds.data()};
        amqp_queue_declare(raw(), Channel, amqp_text(source.queue), 0, 1, 0, 0, arguments);
        return answered("declaring the queue");
    }

    Connection connection_;
};

}  // namespace

Result<std::unique_ptr<NotificationQueue>> NotificationQueue::connect(const SecureBytes& url,
                                                                      const NotificationSource& source) {
    const Address address = TRY(parse(url));
    auto queue = std::make_unique<RabbitQueue>();
    TRY(queue->open(address, source));
    return std::unique_ptr<NotificationQueue>(std::move(queue));
}

}  // namespace sallyport::image
