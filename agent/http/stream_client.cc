#include "agent/http/stream_client.h"

#include <boost/asio/this_coro.hpp>

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "agent/http/alarm.h"
#include "agent/http/link.h"
#include "agent/http/response_reader.h"

namespace sallyport::http {

/// What a client and its calls share.
struct StreamClientState {
    StreamClientState(Endpoint where, const StreamClientConfig& settings)
        : endpoint(std::move(where)), config(settings), idle(settings.idle_connections) {}

    const Endpoint endpoint;
    const StreamClientConfig config;
    LinkPool idle;
};

namespace {

using Clock = std::chrono::steady_clock;
/// 90 pieces of metadata, each sealed, with paths in them.
constexpr std::size_t HeadBytes = 128 * 1024;

/// A call while it lasts.
class LiveCall final : public StreamCall {
public:
    LiveCall(std::shared_ptr<StreamClientState> client, std::unique_ptr<Link> link, bool to_head, bool chunked)
        : client_(std::move(client)),
          link_(std::move(link)),
          reader_(*link_, client_->endpoint.text(), HeadBytes),
          to_head_(to_head),
          chunked_(chunked) {}

    asio::awaitable<Result<void>> send_head(const std::string& head) {
        std::array parts = {asio::const_buffer(head.data(), head.size())};
        const Transfer sent = co_await transfer(parts);
        if (sent.error) co_return lost(sent);
        co_return Result<void>();
    }

    /// Waits for the answer; with `or_continue` also for the word to go on (100).
    asio::awaitable<Result<void>> look_for_answer(bool or_continue) {
        for (;;) {
            api::Response response;
            const Result<Framing> framing = co_await read_any_head(response);
            if (!framing) co_return framing.error();
            if (response.status == 100 && or_continue) co_return Result<void>();
            if (response.status / 100 == 1) continue;
            framing_ = *framing;
            early_ = std::move(response);
            // What was refused before its body went can still use the connection only if no body was announced.
            unasked_ = or_continue;
            co_return Result<void>();
        }
    }

    bool answer_began() const { return reader_.began(); }
    bool is_answered() const override { return early_.has_value() || broken_; }

    asio::awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        if (is_answered() || bytes.empty()) co_return Result<void>();
        std::array<char, 20> size{};
        std::array<asio::const_buffer, 3> parts;
        std::size_t count = 0;
        if (chunked_) {
            // RFC 9112, section 7.1: the size in hexadecimal, CR LF, the bytes, CR LF.
            char* end = std::to_chars(size.data(), size.data() + size.size() - 2, bytes.size(), 16).ptr;
            *end++ = '\r';
            *end++ = '\n';
            parts[count++] = asio::const_buffer(size.data(), static_cast<std::size_t>(end - size.data()));
        }
        parts[count++] = asio::const_buffer(bytes.data(), bytes.size());
        if (chunked_) parts[count++] = asio::const_buffer("\r\n", 2);
        const Transfer sent = co_await transfer(std::span(parts).first(count));
        if (timed_out_) co_return lost(sent);
        // A server may answer and close before it has read everything: its answer may be there.
        if (sent.error) broken_ = true;
        co_return Result<void>();
    }

    asio::awaitable<Result<ResponseHead>> finish() override {
        if (chunked_ && !is_answered()) {
            std::array parts = {asio::const_buffer("0\r\n\r\n", 5)};
            const Transfer sent = co_await transfer(parts);
            if (sent.error) broken_ = true;
        }
        api::Response response;
        if (early_) {
            response = *std::move(early_);
        } else {
            do {
                const Result<Framing> framing = co_await read_any_head(response);
                if (!framing) co_return framing.error();
                framing_ = *framing;
            } while (response.status / 100 == 1);
        }
        reusable_ = framing_.keep_alive && !broken_ && !unasked_ && !framing_.until_close;
        left_ = framing_.length;
        done_ = !framing_.has_body();
        if (done_) give_back();
        co_return ResponseHead{response.status, std::move(response.headers)};
    }

    std::optional<std::uint64_t> length() const override { return framing_.length; }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override {
        if (done_) co_return std::size_t{0};
        if (left_ && *left_ < into.size()) into = into.first(static_cast<std::size_t>(*left_));
        const asio::any_io_executor executor = co_await asio::this_coro::executor;
        Result<std::size_t> got = std::size_t{0};
        {
            Alarm alarm(executor, link_->stream, Clock::now() + client_->config.io_time);
            got = co_await reader_.read_piece(framing_, into, done_);
            if (!got && alarm.rang()) co_return too_slow();
        }
        if (!got) co_return got;
        if (left_) {
            *left_ -= *got;
            done_ = *left_ == 0;
        }
        if (done_) give_back();
        co_return got;
    }

private:
    asio::awaitable<Transfer> transfer(std::span<asio::const_buffer> parts) {
        const asio::any_io_executor executor = co_await asio::this_coro::executor;
        Alarm alarm(executor, link_->stream, Clock::now() + client_->config.io_time);
        const Transfer sent = co_await write_all(*link_->stream, parts);
        timed_out_ = sent.error && alarm.rang();
        co_return sent;
    }

    asio::awaitable<Result<Framing>> read_any_head(api::Response& response) {
        response = {};
        const asio::any_io_executor executor = co_await asio::this_coro::executor;
        Alarm alarm(executor, link_->stream, Clock::now() + client_->config.io_time);
        Result<Framing> framing = co_await reader_.read_any_head(to_head_, response);
        if (!framing && alarm.rang()) co_return too_slow();
        co_return framing;
    }

    void give_back() {
        if (reusable_ && reader_.is_empty()) client_->idle.keep(std::move(link_));
    }

    Error too_slow() const { return {Code::Unavailable, client_->endpoint.text() + " did not go on in time", {}}; }
    Error lost(const Transfer& transfer) const { return timed_out_ ? too_slow() : reader_.lost(transfer); }

    const std::shared_ptr<StreamClientState> client_;
    std::unique_ptr<Link> link_;
    ResponseReader<PlainBuffer> reader_;
    const bool to_head_;
    const bool chunked_;
    bool broken_ = false;   ///< the server takes no more
    bool unasked_ = false;  ///< the answer came instead of the body that was announced
    bool timed_out_ = false;
    bool reusable_ = false;
    bool done_ = false;  ///< the answer's body is over
    std::optional<api::Response> early_;
    Framing framing_;
    std::optional<std::uint64_t> left_;  ///< of a body with a length
};

}  // namespace

StreamClient::StreamClient(Endpoint endpoint, const StreamClientConfig& config)
    : state_(std::make_shared<StreamClientState>(std::move(endpoint), config)) {}
StreamClient::~StreamClient() = default;

const Endpoint& StreamClient::endpoint() const { return state_->endpoint; }

asio::awaitable<Result<std::unique_ptr<StreamCall>>> StreamClient::start(const api::Request& request,
                                                                         const std::optional<BodyMark>& body,
                                                                         bool ask_first) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const bool asks = body && ask_first;
    std::string head;
    write_request_head(request, state_->endpoint.path_prefix, state_->endpoint.host_header(), body.value_or(BodyMark()),
                       head);
    if (asks) head.insert(head.size() - 2, "Expect: 100-continue\r\n");
    for (;;) {
        std::unique_ptr<Link> link = state_->idle.take(executor);
        const bool kept = link != nullptr;
        if (!kept) {
            link = std::make_unique<Link>();
            link->executor = executor;
            auto stream = co_await connect(state_->endpoint, Clock::now() + state_->config.connect_time);
            if (!stream) co_return stream.error();
            link->stream = std::move(*stream);
        }
        auto call =
            std::make_unique<LiveCall>(state_, std::move(link), request.method == "HEAD", body && body->chunked);
        Result<void> begun = co_await call->send_head(head);
        // Without a body the call's answer is next; a kept connection that is dead shows now, not when it is too late
        // to begin again.
        if (begun && (asks || (kept && !body))) begun = co_await call->look_for_answer(asks);
        if (begun) {
            std::unique_ptr<StreamCall> ready = std::move(call);
            co_return std::move(ready);
        }
        // Closed by the server just when this call began: it has seen nothing of it.
        if (kept && !call->answer_began() && begun.error().code == Code::Unavailable) continue;
        co_return begun.error();
    }
}

}  // namespace sallyport::http
