#include "agent/objects/leg.h"

#include <string>
#include <utility>
#include <variant>

#include "integrations/object/names.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::objects {
namespace {

// A listing is decrypted as a whole: 10000 entries of names and sealed etags.
constexpr std::size_t LargestListing = 64 * 1024 * 1024;

/// The sealed values and crypto metadata of a PUT as JSON. A path stands in two key_ids, and a byte of it becomes up to
/// eight ("%5Cu00c3"); a listing's etag may have been set from outside.
std::size_t footer_room(const object::RequestHead& head, const object::ObjectPath& path) {
    const std::string* listed = head.headers.find(object::ListingEtag);
    return 2048 + 16 * path.object_path().size() + (listed == nullptr ? 0 : 2 * listed->size());
}

}  // namespace

Leg::Leg(Store& store, const object::RootSecrets& secrets, object::RequestHead head, object::ObjectPath path,
         const LegOptions& options)
    : store_(store),
      head_(std::move(head)),
      path_(std::move(path)),
      verifies_(options.verify_reads),
      encrypts_(!options.filter.disable_encryption) {
    filter_.emplace(secrets, object::system_random(), options.filter);
}

asio::awaitable<Result<void>> Leg::start(bool has_body) {
    const bool puts_object = head_.method == "PUT" && path_.is_object();
    const std::size_t room = puts_object ? footer_room(head_, path_) : 0;
    if (filter_) answer = filter_->on_request_head(head_);
    if (answer) co_return Result<void>();
    if (puts_object && encrypts_) head_.headers.set(object::EtagFollows, "true");
    Result<std::unique_ptr<StoreCall>> call = co_await store_.start(head_, has_body, room);
    if (!call) co_return std::move(call).error();
    call_ = std::move(*call);
    co_return Result<void>();
}

asio::awaitable<Result<void>> Leg::pass_on(std::span<std::byte> piece) {
    if (filter_) {
        const Result<void> encrypted = filter_->on_request_body(piece);
        if (!encrypted) co_return encrypted.error();
    }
    Result<void> written = co_await call_->write(piece);
    co_return written;
}

asio::awaitable<Result<void>> Leg::finish() {
    object::Headers footers;
    if (filter_ && !call_->is_answered()) {
        auto end = filter_->on_request_end();
        if (auto* refused = std::get_if<object::Answer>(&end)) {
            answer = std::move(*refused);
            co_return Result<void>();
        }
        footers = std::move(std::get<object::Headers>(end));
    }
    Result<object::ResponseHead> head = co_await call_->finish(footers);
    if (!head) co_return std::move(head).error();
    response = std::move(*head);
    is_encrypted_ = response.headers.has(object::BodyMeta);
    answer = refuse_response(response, path_);
    if (filter_ && !answer) answer = filter_->on_response_head(response);
    if (!answer) strip_response(response);
    if (verifies_ && is_encrypted_ && !answer && response.status == 200 && head_.method == "GET") {
        auto md5 = crypto::Md5::create();
        if (md5) md5_.emplace(std::move(*md5));
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Leg::start_raw() {
    const object::Headers none;
    Result<std::unique_ptr<StoreCall>> call = co_await store_.start(head_, false, 0);
    if (!call) co_return std::move(call).error();
    call_ = std::move(*call);
    Result<object::ResponseHead> head = co_await call_->finish(none);
    if (!head) co_return std::move(head).error();
    response = std::move(*head);
    co_return Result<void>();
}

asio::awaitable<Result<std::size_t>> Leg::read_on(std::span<std::byte> into) {
    Result<std::size_t> read = co_await call_->read(into);
    const bool is_encrypted = filter_ && filter_->response_body() == object::ObjectFilter::Body::InPlace;
    if (!read || !is_encrypted) co_return read;
    const Result<void> decrypted = filter_->on_response_body(into.first(*read));
    if (!decrypted) co_return decrypted.error();
    if (md5_) verify(into.first(*read));
    co_return read;
}

void Leg::verify(std::span<const std::byte> piece) {
    if (!piece.empty()) {
        if (!md5_->update(piece)) md5_.reset();
        return;
    }
    const Result<std::string> sum = md5_->hex();
    md5_.reset();
    const std::string etag = response.headers.value_or("Etag", "");
    if (!sum || object::without_quotes(etag) == *sum) return;
    log_error("object door: ALARM: {} decrypts to something whose MD5 is {}, its sealed ETag says {}",
              path_.object_path(), *sum, etag);
}

asio::awaitable<Result<void>> Leg::finish_listing(ListingFormat format, std::span<std::byte> buffer) {
    std::string json;
    for (;;) {
        const Result<std::size_t> read = co_await call_->read(buffer);
        if (!read) co_return read.error();
        if (*read == 0) break;
        if (json.size() + *read > LargestListing) {
            co_return Error{Code::Internal, "the store's listing is too long", {}};
        }
        json.append(text_of(buffer.first(*read)));
    }
    if (filter_ && filter_->response_body() == object::ObjectFilter::Body::Listing) {
        auto decrypted = filter_->on_listing(json);
        if (auto* failed = std::get_if<object::Answer>(&decrypted)) {
            answer = std::move(*failed);
            co_return Result<void>();
        }
        json = std::move(std::get<std::string>(decrypted));
    }
    answer = render_listing(path_, response, std::move(json), format);
    co_return Result<void>();
}

asio::awaitable<void> Leg::close() {
    if (call_) co_await call_->close();
}

}  // namespace sallyport::objects
