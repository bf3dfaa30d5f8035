#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/http/byte_stream.h"
#include "agent/http/head.h"
#include "agent/http/parser.h"
#include "agent/http/route.h"
#include "agent/http/server.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::http {

/// Counters that the connections of a server share; any thread reads them.
struct SharedCounters {
    std::atomic<std::size_t> open{0};
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refused{0};
};

/// One connection: reads requests, one after the other, and is the Exchange of each. Lives on one event loop.
class Connection final : public Exchange {
public:
    using Clock = std::chrono::steady_clock;

    /// `config`, `door` and `counters` live longer.
    Connection(std::unique_ptr<ByteStream> stream, const ServerConfig& config, const StreamHandler& door,
               SharedCounters& counters);

    /// Serves until the client or the server is done with the connection. Never throws.
    asio::awaitable<void> serve();

    /// Looked at by the server's ticker, on the loop: past the deadline the connection is cut.
    void check_deadline(Clock::time_point now);
    /// Answers what is in flight, then closes; at once if nothing is.
    void finish_up();
    void cut();

    api::Request& request() override { return request_; }
    const Peer& peer() const override { return stream_->peer(); }
    bool has_body() const override { return framing_.has_body(); }
    std::optional<std::uint64_t> body_length() const override { return framing_.length; }
    asio::awaitable<Result<std::size_t>> read_body(std::span<std::byte> into) override;
    asio::awaitable<Result<SecureBytes>> read_whole_body(std::size_t limit) override;
    asio::awaitable<Result<void>> respond(const ResponseHead& head, std::span<const std::byte> body) override;
    asio::awaitable<Result<void>> write_head(const ResponseHead& head, std::optional<std::uint64_t> length) override;
    asio::awaitable<Result<void>> write_body(std::span<const std::byte> bytes) override;
    asio::awaitable<Result<void>> finish() override;
    void close_after_answer() noexcept override { keep_alive_ = false; }
    bool client_is_gone() noexcept override { return stream_->peer_is_gone(); }

private:
    enum class HeadOutcome { Request, Close, Refused };
    enum class Answer { None, Streaming, Done, Failed };

    asio::awaitable<HeadOutcome> read_head();
    asio::awaitable<HeadOutcome> refuse(int status, std::string_view why);
    Result<void> make_room();
    asio::awaitable<Result<std::size_t>> fill_buffer();
    asio::awaitable<Result<void>> send(std::span<asio::const_buffer> parts);
    asio::awaitable<Result<void>> send_continue();
    asio::awaitable<Result<std::size_t>> read_plain(std::span<std::byte> into);
    asio::awaitable<Result<std::size_t>> read_chunks(std::span<std::byte> into);
    asio::awaitable<bool> skip_rest_of_body();
    asio::awaitable<void> serve_requests();
    asio::awaitable<bool> call_door();
    asio::awaitable<void> linger();

    std::span<std::byte> buffered() { return buffer_.writable().subspan(begin_, end_ - begin_); }
    void consume(std::size_t n);
    void begin_exchange();
    ConnectionMark connection_mark() const;
    bool answer_has_body(int status) const;
    void allow(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
    Error lost(const boost::system::error_code& error) const;

    std::unique_ptr<ByteStream> stream_;
    const ServerConfig& config_;
    const StreamHandler& door_;
    SharedCounters& counters_;
    MessageParser parser_{MessageParser::Role::Server};

    // What came in and is not used yet: locked memory, since bodies pass through it.
    SecureBytes buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;

    Clock::time_point deadline_ = Clock::time_point::max();
    bool timed_out_ = false;
    bool waiting_ = false;    ///< between requests, nothing of the next one is here
    bool finishing_ = false;  ///< no request after this one
    bool refused_ = false;    ///< the server itself said no: what else the client sent is not known

    // Of the current request:
    api::Request request_;
    Framing framing_;
    bool is_head_ = false;
    bool owes_continue_ = false;
    bool body_done_ = true;
    bool keep_alive_ = true;
    std::uint64_t body_read_ = 0;
    Answer answer_ = Answer::None;
    int status_ = 0;  ///< of the answer; 0: none yet
    bool answer_chunked_ = false;
    bool answer_bodiless_ = false;
    std::optional<std::uint64_t> answer_left_;
    std::string head_out_;  ///< the head of the answer; sent with the first bytes of the body
    bool head_pending_ = false;
};

}  // namespace sallyport::http
