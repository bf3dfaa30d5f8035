#include "agent/http/connection.h"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <utility>

#include "agent/http/tls.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::http {
namespace {

constexpr std::size_t FirstBuffer = 4096;
/// An unread body up to this size is read and dropped to save the connection; over it the connection closes.
constexpr std::size_t WorthSkipping = 64 * 1024;
/// How much, and how long, a closing connection still listens so that its last answer is not lost to a reset.
constexpr std::size_t MostLingering = 256 * 1024;
constexpr std::chrono::milliseconds LingerTime{2000};
constexpr std::string_view Continue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view LastChunk = "0\r\n\r\n";

asio::const_buffer buffer_of(std::span<const std::byte> bytes) { return {bytes.data(), bytes.size()}; }
asio::const_buffer buffer_of(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Connection::Connection(std::unique_ptr<ByteStream> stream, const ServerConfig& config, const StreamHandler& door,
                       SharedCounters& counters)
    : stream_(std::move(stream)), config_(config), door_(door), counters_(counters) {}

void Connection::check_deadline(Clock::time_point now) {
    if (now < deadline_) return;
    timed_out_ = true;
    stream_->cancel();
}

void Connection::finish_up() {
    finishing_ = true;
    if (waiting_) stream_->cancel();
}

void Connection::cut() {
    finishing_ = true;
    stream_->cancel();
}

asio::awaitable<void> Connection::serve() {
    if (auto* tls = dynamic_cast<TlsStream*>(stream_.get())) {
        allow(config_.limits.header_time);
        const Result<void> shaken = co_await tls->shake_hands();
        if (!shaken) {
            log_info("{}: {}: {} ({})", config_.name, peer().address, shaken.error().message, shaken.error().detail);
            co_return;
        }
    }
    Result<SecureBytes> buffer = SecureBytes::of_size(std::min(FirstBuffer, config_.limits.header_bytes));
    if (!buffer) {
        log_warning("{}: connection refused: {}", config_.name, buffer.error().message);
        co_return;
    }
    buffer_ = std::move(*buffer);
    co_await serve_requests();
}

asio::awaitable<void> Connection::serve_requests() {
    for (;;) {
        const HeadOutcome outcome = co_await read_head();
        if (outcome == HeadOutcome::Close) co_return;
        if (outcome == HeadOutcome::Refused) break;
        // Now: a door may move parts of the request away.
        const std::uint32_t number = config_.observer != nullptr ? config_.observer->began(request_) : 0;
        const Clock::time_point begun = Clock::now();
        const bool answered = co_await call_door();
        if (config_.observer != nullptr) config_.observer->answered(number, status_, Clock::now() - begun);
        if (!answered || !keep_alive_) break;
        const bool at_next_request = co_await skip_rest_of_body();
        if (!at_next_request || finishing_) break;
    }
    co_await linger();
}

/// True if the door gave a whole answer.
asio::awaitable<bool> Connection::call_door() {
    counters_.requests.fetch_add(1, std::memory_order_relaxed);
    try {
        co_await door_(*this);
    } catch (const std::exception& failure) {
        const LogScope scope(request_.request_id);
        log_error("{}: {}: {}", config_.name, request_.method, failure.what());
    }
    if (answer_ == Answer::Done) co_return true;
    if (answer_ != Answer::None) co_return false;
    co_await refuse(500, "no answer was made");
    co_return false;
}

Result<void> Connection::make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ < buffer_.size()) return {};
    if (begin_ > 0) {
        const std::span<std::byte> all = buffer_.writable();
        std::memmove(all.data(), all.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        wipe(all.subspan(end_));
        return {};
    }
    const std::size_t limit = config_.limits.header_bytes;
    if (buffer_.size() >= limit) return Error{Code::TooLarge, "the head is too long", {}};
    SecureBytes larger = TRY(SecureBytes::of_size(std::min(limit, buffer_.size() * 4)));
    std::memcpy(larger.writable().data(), buffer_.writable().data(), end_);
    buffer_ = std::move(larger);
    return {};
}

/// Reads what there is behind the buffer's end. There must be room.
asio::awaitable<Result<std::size_t>> Connection::fill_buffer() {
    const std::span<std::byte> room = buffer_.writable().subspan(end_);
    const Transfer got = co_await stream_->read_some({room.data(), room.size()});
    if (got.error) co_return lost(got.error);
    end_ += got.bytes;
    co_return got.bytes;
}

void Connection::consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
}

Error Connection::lost(const boost::system::error_code& error) const {
    if (timed_out_) return Error{Code::Unavailable, "the client is too slow", {}};
    return Error{Code::Io, "the connection is lost", error.message()};
}

asio::awaitable<Connection::HeadOutcome> Connection::read_head() {
    std::size_t scanned = 0;
    HeadScan scan;
    waiting_ = begin_ == end_;
    if (waiting_ && finishing_) co_return HeadOutcome::Close;
    allow(waiting_ ? config_.limits.idle_time : config_.limits.header_time);
    for (;;) {
        // RFC 9112, section 2.2: an empty line before the request line is forgiven, once.
        if (scanned == 0 && text_of(buffered()).starts_with("\r\n")) consume(2);
        if (begin_ != end_) {
            scan = scan_head(text_of(buffered()), scanned);
            if (scan.state == HeadScan::State::Complete) break;
            if (scan.state == HeadScan::State::Broken) {
                const HeadOutcome refused = co_await refuse(400, "a line of the head does not end in CR LF");
                co_return refused;
            }
        }
        const Result<void> room = make_room();
        if (!room) {
            const bool too_long = room.error().code == Code::TooLarge;
            const HeadOutcome refused =
                co_await refuse(too_long ? config_.limits.long_head_status : 503, room.error().message);
            co_return refused;
        }
        const Result<std::size_t> got = co_await fill_buffer();
        // An orderly end, a lost connection, or one that was cut for being too slow: nobody is left to be told.
        if (!got) co_return HeadOutcome::Close;
        if (waiting_) {
            waiting_ = false;
            allow(config_.limits.header_time);
        }
    }
    waiting_ = false;
    begin_exchange();
    const Result<Framing> framing = parser_.parse_request_head(text_of(buffered().first(scan.length)), request_);
    consume(scan.length);
    if (!framing) {
        const Code code = framing.error().code;
        const int status = code == Code::TooLarge ? config_.limits.long_head_status : code == Code::Refused ? 501 : 400;
        const HeadOutcome refused = co_await refuse(status, framing.error().message);
        co_return refused;
    }
    framing_ = *framing;
    is_head_ = request_.method == "HEAD";
    keep_alive_ = framing_.keep_alive && !finishing_;
    body_done_ = !framing_.has_body();
    owes_continue_ = framing_.expects_continue && !body_done_;
    if (framing_.length.value_or(0) > config_.limits.body_bytes) {
        const HeadOutcome refused = co_await refuse(413, "the body is too long");
        co_return refused;
    }
    const bool tls = peer().transport == Transport::Tls;
    request_.base_url = config_.host_href.empty() ? base_url_for(tls, request_) : config_.host_href;
    const std::string* id = find_header(request_.headers, "x-openstack-request-id");
    request_.request_id = id != nullptr && !id->empty() ? *id : new_request_id();
    // Handlers take the time they need; reads and writes set their own deadlines.
    deadline_ = Clock::time_point::max();
    co_return HeadOutcome::Request;
}

void Connection::begin_exchange() {
    request_.body = SecureBytes();
    framing_ = Framing();
    is_head_ = false;
    owes_continue_ = false;
    body_done_ = true;
    body_read_ = 0;
    answer_ = Answer::None;
    status_ = 0;
    answer_chunked_ = false;
    answer_bodiless_ = false;
    answer_left_.reset();
    head_pending_ = false;
}

/// The server's own answer to what it does not hand to the door; the connection closes after it.
asio::awaitable<Connection::HeadOutcome> Connection::refuse(int status, std::string_view why) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    log_info("{}: {}: {} {}", config_.name, peer().address, status, why);
    keep_alive_ = false;
    body_done_ = true;
    refused_ = true;
    answer_ = Answer::None;
    ResponseHead head{status, {{"Content-Type", "text/plain; charset=UTF-8"}}};
    std::string text(reason_of(status));
    text.append(": ").append(why).append("\n");
    co_await respond(head, bytes_of(text));
    co_return HeadOutcome::Refused;
}

asio::awaitable<Result<void>> Connection::send_continue() {
    owes_continue_ = false;
    std::array parts = {buffer_of(Continue)};
    auto sent = co_await send(parts);
    co_return std::move(sent);
}

asio::awaitable<Result<std::size_t>> Connection::read_body(std::span<std::byte> into) {
    if (body_done_ || into.empty()) co_return std::size_t{0};
    if (owes_continue_) {
        // RFC 9110, section 10.1.1: not needed once the body has begun to come.
        if (begin_ != end_) {
            owes_continue_ = false;
        } else {
            const Result<void> sent = co_await send_continue();
            if (!sent) co_return sent.error();
        }
    }
    allow(config_.limits.body_time);
    Result<std::size_t> got = std::size_t{0};
    if (framing_.chunked) {
        got = co_await read_chunks(into);
    } else {
        got = co_await read_plain(into);
    }
    deadline_ = Clock::time_point::max();
    if (!got) keep_alive_ = false;
    co_return std::move(got);
}

asio::awaitable<Result<std::size_t>> Connection::read_plain(std::span<std::byte> into) {
    const std::uint64_t left = *framing_.length - body_read_;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
    std::size_t n = 0;
    if (begin_ != end_) {
        const std::span<std::byte> here = buffered().first(std::min(into.size(), end_ - begin_));
        std::memcpy(into.data(), here.data(), here.size());
        wipe(here);
        n = here.size();
        consume(n);
    } else {
        const Transfer got = co_await stream_->read_some({into.data(), into.size()});
        if (got.error) co_return lost(got.error);
        n = got.bytes;
    }
    body_read_ += n;
    body_done_ = body_read_ == *framing_.length;
    co_return n;
}

asio::awaitable<Result<std::size_t>> Connection::read_chunks(std::span<std::byte> into) {
    for (;;) {
        if (begin_ != end_) {
            const std::span<std::byte> raw = buffered();
            const Result<ChunkProgress> progress = parser_.parse_chunked(raw, into);
            if (!progress) co_return progress.error();
            wipe(raw.first(progress->consumed));
            consume(progress->consumed);
            body_read_ += progress->produced;
            body_done_ = progress->done;
            if (body_read_ > config_.limits.body_bytes) co_return Error{Code::TooLarge, "the body is too long", {}};
            if (progress->produced > 0 || progress->done) co_return progress->produced;
        }
        // What is left is the beginning of a chunk's header or of a trailer.
        const Result<void> room = make_room();
        if (!room) co_return Error{Code::InvalidInput, "a chunk's header is too long", {}};
        const Result<std::size_t> got = co_await fill_buffer();
        if (!got) co_return got.error();
    }
}

asio::awaitable<Result<SecureBytes>> Connection::read_whole_body(std::size_t limit) {
    if (body_done_) co_return SecureBytes();
    const std::size_t first_size =
        static_cast<std::size_t>(std::min<std::uint64_t>(framing_.length.value_or(FirstBuffer), limit));
    Result<SecureBytes> body = SecureBytes::of_size(std::max<std::size_t>(first_size, 1));
    if (!body) co_return body.error();
    std::size_t filled = 0;
    while (!body_done_ && filled < limit) {
        if (filled == body->size()) {
            Result<SecureBytes> larger = SecureBytes::of_size(std::min(limit, body->size() * 2));
            if (!larger) co_return larger.error();
            std::memcpy(larger->writable().data(), body->writable().data(), filled);
            *body = std::move(*larger);
        }
        const Result<std::size_t> got = co_await read_body(body->writable().subspan(filled));
        if (!got) co_return got.error();
        filled += *got;
    }
    body->truncate(filled);
    if (body_done_) co_return std::move(*body);
    // The rest is dropped, into memory that is as good as the buffer's.
    Result<SecureBytes> scratch = SecureBytes::of_size(FirstBuffer);
    if (!scratch) co_return scratch.error();
    while (!body_done_) {
        const Result<std::size_t> got = co_await read_body(scratch->writable());
        if (!got) co_return got.error();
    }
    co_return std::move(*body);
}

/// After an answer: true if the next request begins at the buffer.
asio::awaitable<bool> Connection::skip_rest_of_body() {
    if (body_done_) co_return true;
    // A client that waits for "100 Continue" sends either the body or the next request: nobody can tell which.
    if (owes_continue_ || framing_.chunked || *framing_.length - body_read_ > WorthSkipping) co_return false;
    Result<SecureBytes> scratch = SecureBytes::of_size(FirstBuffer);
    if (!scratch) co_return false;
    while (!body_done_) {
        const Result<std::size_t> got = co_await read_body(scratch->writable());
        if (!got) co_return false;
    }
    co_return true;
}

ConnectionMark Connection::connection_mark() const {
    if (!keep_alive_) return ConnectionMark::Close;
    return framing_.version < 11 ? ConnectionMark::KeepAlive : ConnectionMark::None;
}

bool Connection::answer_has_body(int status) const {
    return !is_head_ && status / 100 != 1 && status != 204 && status != 304;
}

asio::awaitable<Result<void>> Connection::send(std::span<asio::const_buffer> parts) {
    allow(config_.limits.write_time);
    const Transfer sent = co_await write_all(*stream_, parts);
    deadline_ = Clock::time_point::max();
    if (!sent.error) co_return Result<void>();
    answer_ = Answer::Failed;
    keep_alive_ = false;
    co_return lost(sent.error);
}

asio::awaitable<Result<void>> Connection::respond(const ResponseHead& head, std::span<const std::byte> body) {
    if (answer_ != Answer::None) co_return Error{Code::Internal, "a second answer to one request", {}};
    if (finishing_ ||
        (!body_done_ && (owes_continue_ || framing_.chunked || *framing_.length - body_read_ > WorthSkipping))) {
        keep_alive_ = false;
    }
    status_ = head.status;
    BodyMark mark;
    if (head.status != 204 && head.status != 304) mark.length = body.size();
    write_response_head(head, mark, connection_mark(), head_out_);
    std::array parts = {buffer_of(head_out_), buffer_of(body)};
    auto sent = co_await send(std::span(parts).first(answer_has_body(head.status) ? 2 : 1));
    if (sent) answer_ = Answer::Done;
    co_return std::move(sent);
}

asio::awaitable<Result<void>> Connection::write_head(const ResponseHead& head, std::optional<std::uint64_t> length) {
    if (answer_ != Answer::None) co_return Error{Code::Internal, "a second answer to one request", {}};
    answer_ = Answer::Streaming;
    status_ = head.status;
    answer_bodiless_ = !answer_has_body(head.status);
    answer_left_ = length;
    if (finishing_) keep_alive_ = false;
    BodyMark mark;
    if (head.status != 204 && head.status != 304) {
        mark.length = length;
        mark.chunked = !length && framing_.version >= 11;
    }
    answer_chunked_ = mark.chunked;
    // An HTTP/1.0 client learns the end of a body of unknown length from the connection's.
    if (!answer_bodiless_ && !length && !answer_chunked_) keep_alive_ = false;
    write_response_head(head, mark, connection_mark(), head_out_);
    head_pending_ = true;
    co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::write_body(std::span<const std::byte> bytes) {
    if (answer_ != Answer::Streaming) co_return Error{Code::Internal, "no answer is being sent", {}};
    if (bytes.empty() || answer_bodiless_) co_return Result<void>();
    if (answer_left_ && bytes.size() > *answer_left_) {
        answer_ = Answer::Failed;
        keep_alive_ = false;
        co_return Error{Code::Internal, "more body than was promised", {}};
    }
    std::array<char, 18> size_line{};
    std::size_t size_length = 0;
    if (answer_chunked_) {
        char* end = std::to_chars(size_line.data(), size_line.data() + 16, bytes.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        size_length = static_cast<std::size_t>(end - size_line.data());
    }
    std::array<asio::const_buffer, 4> parts = {
        head_pending_ ? buffer_of(head_out_) : asio::const_buffer(),
        asio::const_buffer(size_line.data(), size_length),
        buffer_of(bytes),
        answer_chunked_ ? buffer_of(std::string_view("\r\n")) : asio::const_buffer(),
    };
    head_pending_ = false;
    auto sent = co_await send(parts);
    if (sent && answer_left_) *answer_left_ -= bytes.size();
    co_return std::move(sent);
}

asio::awaitable<Result<void>> Connection::finish() {
    if (answer_ != Answer::Streaming) co_return Error{Code::Internal, "no answer is being sent", {}};
    if (!answer_bodiless_ && answer_left_.value_or(0) > 0) {
        answer_ = Answer::Failed;
        keep_alive_ = false;
        co_return Error{Code::Internal, "less body than was promised", {}};
    }
    std::array<asio::const_buffer, 2> parts = {
        head_pending_ ? buffer_of(head_out_) : asio::const_buffer(),
        answer_chunked_ && !answer_bodiless_ ? buffer_of(LastChunk) : asio::const_buffer(),
    };
    head_pending_ = false;
    auto sent = co_await send(parts);
    if (sent) answer_ = Answer::Done;
    co_return std::move(sent);
}

/// Closing with unread bytes resets the connection, and the client may lose the answer (RFC 9112, section 9.6): say
/// that nothing more comes, then listen for a moment.
asio::awaitable<void> Connection::linger() {
    if (answer_ == Answer::Failed || answer_ == Answer::Streaming) co_return;
    stream_->shut_down_sending();
    if (!refused_ && body_done_ && begin_ == end_) co_return;
    allow(LingerTime);
    std::size_t dropped = 0;
    while (dropped < MostLingering) {
        begin_ = end_ = 0;
        const Result<std::size_t> got = co_await fill_buffer();
        if (!got) co_return;
        dropped += *got;
    }
}

}  // namespace sallyport::http
