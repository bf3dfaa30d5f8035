#include "agent/objects/object_door.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "agent/objects/client_rules.h"
#include "agent/objects/copy_rules.h"
#include "agent/objects/leg.h"
#include "integrations/object/directory.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/private_file.h"

namespace sallyport::objects {

namespace asio = boost::asio;

namespace {

// Large enough that a call of the kernel costs little beside the work, small enough for a thousand at once.
constexpr std::size_t PieceSize = 128 * 1024;

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

/// A buffer for pieces, no larger than what is on its way. Not cleared: only what was read into it is sent on.
class Pieces {
public:
    explicit Pieces(std::optional<std::uint64_t> length)
        : size_(static_cast<std::size_t>(std::clamp<std::uint64_t>(length.value_or(PieceSize), 1024, PieceSize))),
          bytes_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}  // NOLINT(cppcoreguidelines-avoid-c-arrays)
    std::span<std::byte> all() { return {bytes_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<std::byte[]> bytes_;  // NOLINT(cppcoreguidelines-avoid-c-arrays)
};

/// As much of the body as fills `into`; less at its end.
asio::awaitable<Result<std::size_t>> read_full(http::Exchange& exchange, std::span<std::byte> into) {
    std::size_t filled = 0;
    while (filled < into.size()) {
        const auto read = co_await exchange.read_body(into.subspan(filled));
        if (!read) co_return read.error();
        if (*read == 0) break;
        filled += *read;
    }
    co_return filled;
}

/// To the client a store that fails is no failure of the connection.
Error of_store(Error error) {
    if (error.code == Code::Io) error.code = Code::Unavailable;
    return error;
}

asio::awaitable<Result<void>> pass_body(http::Exchange& exchange, Leg& leg) {
    if (!exchange.has_body()) co_return Result<void>();
    Pieces pieces(exchange.body_length());
    while (!leg.store_has_answered()) {
        const auto read = co_await read_full(exchange, pieces.all());
        if (!read) co_return read.error();
        if (*read == 0) break;
        const auto passed = co_await leg.pass_on(pieces.all().first(*read));
        if (!passed) co_return of_store(passed.error());
    }
    co_return Result<void>();
}

/// From the source to the destination of a copy.
asio::awaitable<Result<void>> pass_copy(Leg& from, Leg& to) {
    Pieces pieces(announced_length(from.response));
    while (!to.store_has_answered()) {
        const auto read = co_await from.read_on(pieces.all());
        if (!read) co_return of_store(read.error());
        if (*read == 0) break;
        const auto passed = co_await to.pass_on(pieces.all().first(*read));
        if (!passed) co_return of_store(passed.error());
    }
    co_return Result<void>();
}

asio::awaitable<void> give_answer(http::Exchange& exchange, Leg& leg) {
    const auto length = announced_length(leg.response);
    const http::ResponseHead head = to_http(leg.response);
    if (leg.head().method == "HEAD") {
        const auto written = co_await exchange.write_head(head, length);
        if (written) (void)co_await exchange.finish();
        co_return;
    }
    Pieces pieces(length);
    auto read = co_await leg.read_on(pieces.all());
    if (read && length && *read == *length) {
        (void)co_await exchange.respond(head, pieces.all().first(*read));
        co_return;
    }
    auto written = co_await exchange.write_head(head, length);
    while (written && read && *read > 0) {
        written = co_await exchange.write_body(pieces.all().first(*read));
        if (written) read = co_await leg.read_on(pieces.all());
    }
    if (!read) {
        // Too late for a status: the client sees a body that is too short.
        const LogScope scope(exchange.request().request_id);
        log_error("object door: {} {}", read.error().message, read.error().detail);
        co_return;
    }
    if (written) (void)co_await exchange.finish();
}

asio::awaitable<void> refuse(http::Exchange& exchange, object::Answer answer) {
    // A lost client needs no answer: nothing is to be done about an error here.
    (void)co_await exchange.respond(to_http(answer.head), bytes_of(answer.body));
}

}  // namespace

ObjectDoor::ObjectDoor(std::unique_ptr<Store> store, RootSecretSource source, lanes::Lane& lane,
                       const LegOptions& options, const Clock& clock)
    : store_(std::move(store)), source_(std::move(source)), lane_(lane), options_(options), clock_(clock) {}

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

asio::awaitable<Result<const object::RootSecrets*>> ObjectDoor::known_secrets() {
    if (const object::RootSecrets* known = secrets_.load()) co_return known;
    auto loaded = co_await lane_.run([this] { return secrets(); });
    co_return loaded;
}

asio::awaitable<Result<CareStep>> ObjectDoor::care(CareVerb verb, const CareScope& scope, const CarePlace& from,
                                                   std::chrono::milliseconds within) {
    const auto secrets = co_await known_secrets();
    if (!secrets) co_return secrets.error();
    ObjectCare walks(*store_);
    auto walking = verb == CareVerb::Verify ? walks.verify(**secrets, scope, from, within)
                                            : walks.rekey(**secrets, scope, from, within);
    Result<CareStep> step = co_await std::move(walking);
    co_return step;
}

asio::awaitable<void> ObjectDoor::handle(http::Exchange& exchange) {
    object::RequestHead head = to_object(exchange.request(), exchange);
    if (store_->takes_other_paths() && is_other_path(head.target)) {
        co_await pass_through(exchange, std::move(head));
        co_return;
    }
    if (!names_are_text(head.target)) {
        // What may be an attempt to slip past somebody's parser does not get a second one on this connection.
        exchange.close_after_answer();
        co_await refuse(exchange, object::text_answer(400, "The names in the path are not UTF-8.\n"));
        co_return;
    }
    const std::int64_t now = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
    std::optional<object::Answer> refused = admit(head, now);
    std::optional<ListingFormat> listing;
    std::optional<Copy> copy;
    object::Target target;
    if (!refused) {
        target = *object::parse_target(head.target);  // admit() has refused what does not parse
        auto copied = copy_of(head, target);
        if (auto* answer = std::get_if<object::Answer>(&copied)) refused = std::move(*answer);
        if (auto* found = std::get_if<Copy>(&copied)) copy = std::move(*found);
    }
    if (!refused && head.method == "GET" && !target.path.is_object()) {
        listing = listing_format(target, head.headers);
        if (!listing) refused = object::text_answer(406, "The resource is not available in a format acceptable.");
    }
    if (refused) {
        co_await refuse(exchange, *std::move(refused));
        co_return;
    }
    const auto secrets = co_await known_secrets();
    Result<void> done;
    if (!secrets) {
        done = secrets.error();
    } else if (copy) {
        done = co_await run_copy(exchange, **secrets, *copy);
    } else {
        Leg leg(*store_, **secrets, std::move(head), target.path, options_);
        done = co_await run(exchange, leg, listing);
        co_await leg.close();
    }
    // The client has gone, or sent what is no body: nobody is there to hear of it.
    if (done || exchange.client_is_gone() || done.error().code == Code::Io) co_return;
    co_await refuse(exchange, failure(exchange.request().request_id, done.error()));
}

asio::awaitable<Result<void>> ObjectDoor::run(http::Exchange& exchange, Leg& leg,
                                              std::optional<ListingFormat> listing) {
    Result<void> done = co_await leg.start(exchange.has_body());
    if (!done) co_return of_store(done.error());
    if (!leg.answer) {
        done = co_await pass_body(exchange, leg);
        if (!done) co_return done;
        done = co_await leg.finish();
        if (!done) co_return of_store(done.error());
    }
    if (!leg.answer && listing && leg.response.status == 200) {
        Pieces pieces(std::nullopt);
        done = co_await leg.finish_listing(*listing, pieces.all());
        if (!done) co_return of_store(done.error());
    }
    if (leg.answer) {
        co_await refuse(exchange, *std::move(leg.answer));
    } else {
        co_await give_answer(exchange, leg);
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> ObjectDoor::run_copy(http::Exchange& exchange, const object::RootSecrets& secrets,
                                                   Copy& copy) {
    Leg from(*store_, secrets, copy.get, copy.source, options_);
    Result<void> done = co_await run_from(exchange, secrets, copy, from);
    co_await from.close();
    co_return done;
}

asio::awaitable<Result<void>> ObjectDoor::run_from(http::Exchange& exchange, const object::RootSecrets& secrets,
                                                   Copy& copy, Leg& from) {
    Result<void> done = co_await from.start(false);
    if (done && !from.answer) done = co_await from.finish();
    if (!done) co_return of_store(done.error());
    if (from.answer) {
        co_await refuse(exchange, *std::move(from.answer));
        co_return Result<void>();
    }
    if (from.response.status / 100 != 2) {
        co_await give_answer(exchange, from);
        co_return Result<void>();
    }
    add_source_headers(copy, from.response);
    copy.put.body_length = announced_length(from.response);
    Leg to(*store_, secrets, copy.put, copy.destination, options_);
    done = co_await to.start(true);
    if (done && !to.answer) done = co_await pass_copy(from, to);
    if (done && !to.answer) done = co_await to.finish();
    if (done && to.answer) {
        co_await refuse(exchange, *std::move(to.answer));
    } else if (done) {
        if (to.response.status / 100 == 2) add_copied_from(copy, from.response, to.response);
        co_await give_answer(exchange, to);
    }
    co_await to.close();
    if (!done) co_return of_store(done.error());
    co_return done;
}

/// No object: nothing is encrypted, and nothing of ours is let through in either direction.
asio::awaitable<void> ObjectDoor::pass_through(http::Exchange& exchange, object::RequestHead head) {
    strip_request(head);
    Leg leg(*store_, std::move(head));
    const Result<void> done = co_await run(exchange, leg, std::nullopt);
    co_await leg.close();
    if (!done && !exchange.client_is_gone() && done.error().code != Code::Io) {
        co_await refuse(exchange, failure(exchange.request().request_id, done.error()));
    }
}

http::ServerLimits door_limits(http::ServerLimits limits) {
    limits.header_bytes = 64 * 1024;
    limits.body_bytes = LargestObject;
    limits.long_head_status = 400;
    return limits;
}

Result<void> check_address(const config::Objects& config) {
    // Swift asks who is calling.
    if (config.listen.is_loopback() || config.upstream.type == config::UpstreamType::Swift) return {};
    return Error{Code::Refused,
                 "objects.listen: " + config.listen.text() +
                     " can be reached from other machines, and the object door does not ask who is calling; listen on "
                     "127.0.0.1 or [::1] and put a proxy that authenticates in front of it",
                 {}};
}

namespace {

constexpr PrivateFileKind ShimSecret{"shim's secret", 1024, false};

Result<std::unique_ptr<Store>> make_store(const config::Upstream& config, lanes::Lane& lane) {
    switch (config.type) {
        case config::UpstreamType::Directory: {
            auto upstream = TRY(object::make_directory_upstream({config.path}));
            return make_lane_store(std::move(upstream), lane);
        }
        case config::UpstreamType::Swift: {
            http::Endpoint endpoint = TRY(http::Endpoint::parse(config.url));
            endpoint.ca_file = config.ca_file;
            const SecureBytes secret = TRY(read_private_file(config.secret_file.path, ShimSecret));
            http::StreamClientConfig client;
            client.io_time = std::chrono::seconds(config.timeout_seconds);
            return make_swift_store(std::move(endpoint), secret, client);
        }
    }
    return Error{Code::Internal, "no such upstream", {}};
}

}  // namespace

Result<std::unique_ptr<ObjectDoor>> make_object_door(const config::Objects& config, RootSecretSource source,
                                                     lanes::Lane& lane) {
    TRY(check_address(config));
    auto store = TRY(make_store(config.upstream, lane));
    const LegOptions options{{.disable_encryption = config.disable_encryption, .unseal_listing_etag = false},
                             config.verify_reads};
    auto door = std::make_unique<ObjectDoor>(std::move(store), std::move(source), lane, options);
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
