#include "agent/objects/object_door.h"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/objects/client_rules.h"
#include "integrations/object/directory.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::objects {

namespace asio = boost::asio;

namespace {

// Large enough that a switch to the lane and back costs little beside the work on it.
constexpr std::size_t PieceSize = 256 * 1024;
// A listing is decrypted as a whole: 10000 entries of names and sealed etags.
constexpr std::size_t LargestListing = 64 * 1024 * 1024;

/// What a client hears of a failure of the store, the keys or ourselves. Handled here, so logged here.
object::Answer failure(std::string_view request_id, const Error& error) {
    const LogScope scope(request_id);
    log_error("object door: {} {}", error.message, error.detail);
    switch (error.code) {
        case Code::Corrupt:
        case Code::Internal: return object::swift_answer(500);
        case Code::TooLarge: return object::swift_answer(413);
        case Code::InvalidInput: return object::swift_answer(400);
        case Code::Unauthenticated:
        case Code::Forbidden:
        case Code::NotFound:
        case Code::Conflict:
        case Code::OverQuota:
        case Code::WrongKey:
        case Code::Refused:
        case Code::Io:
        case Code::Unavailable:
        case Code::Overloaded: return object::swift_answer(503);
    }
    return object::swift_answer(500);
}

http::ResponseHead to_http(const object::ResponseHead& head) {
    http::ResponseHead out{head.status, {}};
    for (const auto& [name, value] : head.headers) out.headers.emplace_back(name, value);
    return out;
}

object::RequestHead to_object(const api::Request& request, const http::Exchange& exchange) {
    object::RequestHead head{request.method, request.target, {}, exchange.body_length()};
    for (const auto& [name, value] : request.headers) head.headers.add(name, value);
    return head;
}

std::optional<std::uint64_t> announced_length(const object::ResponseHead& head) {
    const auto length = object::parse_number(head.headers.value_or("Content-Length", ""));
    if (!length) return std::nullopt;
    return static_cast<std::uint64_t>(*length);
}

}  // namespace

/// One request on its way. Touched by one thread at a time: the edge's, or the lane's while the edge awaits it.
struct ObjectDoor::Request {
    Request(const object::RootSecrets& secrets, object::RequestHead request_head)
        : filter(secrets, object::system_random()), head(std::move(request_head)), buffer(PieceSize) {}

    object::ObjectFilter filter;
    object::RequestHead head;
    object::ObjectPath path;
    std::optional<ListingFormat> listing;  ///< set for a GET of a container or account
    std::unique_ptr<object::StoreExchange> store;
    std::vector<std::byte> buffer;
    std::size_t filled = 0;
    object::ResponseHead response;
    std::optional<object::Answer> answer;  ///< the whole answer, where it is known as a whole

    // What follows blocks and runs on the lane.

    Result<void> start(object::Upstream& upstream) {
        answer = filter.on_request_head(head);
        if (answer) return {};
        store = TRY(upstream.start(head));
        return {};
    }

    Result<void> pass_on() {
        const auto piece = std::span(buffer).first(filled);
        TRY(filter.on_request_body(piece));
        return store->write(piece);
    }

    /// Ends the request and reads the first piece of the answer: a small object needs no second trip.
    Result<void> finish() {
        auto end = filter.on_request_end();
        if (auto* refused = std::get_if<object::Answer>(&end)) {
            answer = std::move(*refused);
            store.reset();
            return {};
        }
        response = TRY(store->finish(std::get<object::Headers>(end)));
        answer = filter.on_response_head(response);
        if (answer) return {};
        strip_response(response);
        if (listing && response.status == 200) return finish_listing();
        return read_on();
    }

    Result<void> read_on() {
        filled = TRY(store->read(buffer));
        if (filter.response_body() != object::ObjectFilter::Body::InPlace) return {};
        return filter.on_response_body(std::span(buffer).first(filled));
    }

    Result<void> finish_listing() {
        std::string json;
        while (true) {
            const std::size_t read = TRY(store->read(buffer));
            if (read == 0) break;
            if (json.size() + read > LargestListing) {
                return Error{Code::Internal, "the store's listing is too long", {}};
            }
            json.append(text_of(std::span(buffer).first(read)));
        }
        if (filter.response_body() == object::ObjectFilter::Body::Listing) {
            auto decrypted = filter.on_listing(json);
            if (auto* failed = std::get_if<object::Answer>(&decrypted)) {
                answer = std::move(*failed);
                return {};
            }
            json = std::move(std::get<std::string>(decrypted));
        }
        answer = render_listing(path, response, std::move(json), *listing);
        return {};
    }
};

ObjectDoor::ObjectDoor(std::unique_ptr<object::Upstream> upstream, RootSecretSource source, lanes::Lane& lane,
                       const Clock& clock)
    : upstream_(std::move(upstream)), source_(std::move(source)), lane_(lane), clock_(clock) {}

ObjectDoor::~ObjectDoor() = default;

http::StreamHandler ObjectDoor::handler() {
    return [this](http::Exchange& exchange) { return handle(exchange); };
}

Result<void> ObjectDoor::load_secrets() {
    TRY(secrets());
    return {};
}

Result<const object::RootSecrets*> ObjectDoor::secrets() {
    if (const object::RootSecrets* known = secrets_.load()) return known;
    const std::lock_guard lock(loading_);
    if (const object::RootSecrets* known = secrets_.load()) return known;
    owned_secrets_ = std::make_unique<const object::RootSecrets>(TRY(source_()));
    secrets_.store(owned_secrets_.get());
    return owned_secrets_.get();
}

asio::awaitable<void> ObjectDoor::refuse(http::Exchange& exchange, object::Answer answer) {
    // A lost client needs no answer: nothing is to be done about an error here.
    (void)co_await exchange.respond(to_http(answer.head), bytes_of(answer.body));
}

/// Closing a store's files and removing what was left half-way blocks as well.
asio::awaitable<void> ObjectDoor::drop(std::unique_ptr<Request> request) {
    auto dropped = co_await lane_.run([&request]() -> Result<void> {
        request.reset();
        return {};
    });
    // The lane was full or is closing: then here, now.
    if (!dropped) request.reset();
}

asio::awaitable<void> ObjectDoor::handle(http::Exchange& exchange) {
    object::RequestHead head = to_object(exchange.request(), exchange);
    const std::int64_t now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    auto refused = admit(head, now);
    if (refused) {
        co_await refuse(exchange, *std::move(refused));
        co_return;
    }
    const object::Target target = *object::parse_target(head.target);  // admit() has refused what does not parse
    std::optional<ListingFormat> listing;
    if (head.method == "GET" && !target.path.is_object()) {
        listing = listing_format(target, head.headers);
        if (!listing) {
            co_await refuse(exchange,
                            object::text_answer(406, "The resource is not available in a format acceptable."));
            co_return;
        }
    }

    std::unique_ptr<Request> request;
    auto started = co_await lane_.run([this, &request, &head, &target, &listing]() -> Result<void> {
        const object::RootSecrets* secrets = TRY(this->secrets());
        request = std::make_unique<Request>(*secrets, std::move(head));
        request->path = target.path;
        request->listing = listing;
        return request->start(*upstream_);
    });
    if (!started) {
        co_await refuse(exchange, failure(exchange.request().request_id, started.error()));
        co_return;
    }
    if (!request->answer) {
        auto taken = co_await take_body(exchange, *request);
        if (!taken) {
            // The client has gone, or sent what is no body: what came of it must not stay.
            const bool answerable = !exchange.client_is_gone() && taken.error().code != Code::Io;
            co_await drop(std::move(request));
            if (answerable) co_await refuse(exchange, failure(exchange.request().request_id, taken.error()));
            co_return;
        }
        auto finished = co_await lane_.run([&request]() -> Result<void> { return request->finish(); });
        if (!finished) {
            co_await drop(std::move(request));
            co_await refuse(exchange, failure(exchange.request().request_id, finished.error()));
            co_return;
        }
    }
    co_await give_answer(exchange, *request);
    co_await drop(std::move(request));
}

asio::awaitable<Result<void>> ObjectDoor::take_body(http::Exchange& exchange, Request& request) {
    bool ended = !exchange.has_body();
    while (!ended) {
        request.filled = 0;
        while (request.filled < request.buffer.size()) {
            auto read = co_await exchange.read_body(std::span(request.buffer).subspan(request.filled));
            if (!read) co_return std::move(read).error();
            ended = *read == 0;
            if (ended) break;
            request.filled += *read;
        }
        if (request.filled == 0) break;
        auto passed = co_await lane_.run([&request]() -> Result<void> { return request.pass_on(); });
        if (!passed) {
            Error error = std::move(passed).error();
            // To the client a store that fails is no failure of the connection.
            if (error.code == Code::Io) error.code = Code::Unavailable;
            co_return error;
        }
    }
    co_return Result<void>();
}

asio::awaitable<void> ObjectDoor::give_answer(http::Exchange& exchange, Request& request) {
    if (request.answer) {
        co_await refuse(exchange, *std::move(request.answer));
        co_return;
    }
    const auto length = announced_length(request.response);
    const http::ResponseHead head = to_http(request.response);
    const bool is_head = request.head.method == "HEAD";
    if (!is_head && length && *length == request.filled) {
        (void)co_await exchange.respond(head, std::span(request.buffer).first(request.filled));
        co_return;
    }
    auto written = co_await exchange.write_head(head, length);
    while (written && !is_head && request.filled > 0) {
        written = co_await exchange.write_body(std::span(request.buffer).first(request.filled));
        if (!written) co_return;
        auto read = co_await lane_.run([&request]() -> Result<void> { return request.read_on(); });
        if (!read) {
            // Too late for a status: the client sees a body that is too short.
            const LogScope scope(exchange.request().request_id);
            log_error("object door: {} {}", read.error().message, read.error().detail);
            co_return;
        }
    }
    if (written) (void)co_await exchange.finish();
}

Result<void> check_address(const config::Objects& config) {
    if (config.listen.is_loopback()) return {};
    return Error{Code::Refused,
                 "objects.listen: " + config.listen.text() +
                     " can be reached from other machines, and the object door does not ask who is calling; listen on "
                     "127.0.0.1 or [::1] and put a proxy that authenticates in front of it",
                 {}};
}

namespace {

Result<std::unique_ptr<object::Upstream>> make_upstream(const config::Upstream& config) {
    switch (config.type) {
        case config::UpstreamType::Directory: return object::make_directory_upstream({config.path});
    }
    return Error{Code::Internal, "no such upstream", {}};
}

}  // namespace

Result<std::unique_ptr<ObjectDoor>> make_object_door(const config::Objects& config, RootSecretSource source,
                                                     lanes::Lane& lane) {
    TRY(check_address(config));
    auto upstream = TRY(make_upstream(config.upstream));
    auto door = std::make_unique<ObjectDoor>(std::move(upstream), std::move(source), lane);
    const auto loaded = door->load_secrets();
    if (!loaded) {
        const Code code = loaded.error().code;
        const bool passing = code == Code::Unavailable || code == Code::Overloaded;
        if (!passing) return loaded.error();
        log_warning("object door: no root secrets yet, answering 503: {}", loaded.error().message);
    }
    return door;
}

}  // namespace sallyport::objects
