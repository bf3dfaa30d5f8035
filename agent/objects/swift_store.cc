#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "agent/objects/store.h"
#include "integrations/object/names.h"
#include "integrations/object/target.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"

namespace sallyport::objects {
namespace {

using object::starts_with_no_case;

// What the shim knows; integrations/object/shim/README.md.
constexpr std::string_view SecretHeader = "X-Sallyport-Door";
constexpr std::string_view CarriedPrefix = "X-Sallyport-Carried-";
constexpr std::string_view FooterHeader = "X-Sallyport-Footer";
constexpr std::string_view ShimPrefix = "X-Sallyport-";

/// Below that a body is sent without asking first: the question costs more than a refused transfer.
constexpr std::uint64_t AskFrom = 64 * 1024;

/// Headers that gatekeeper would drop.
bool is_carried(std::string_view name) {
    constexpr std::array<std::string_view, 4> Prefixes = {"X-Object-Sysmeta-", "X-Object-Transient-Sysmeta-",
                                                          "X-Backend-Etag-Is-At", "X-Timestamp"};
    return std::ranges::any_of(Prefixes, [name](std::string_view prefix) { return starts_with_no_case(name, prefix); });
}

/// Bytes as a JSON string, each as the character of its number: as WSGI carries header values.
void append_json(std::string& json, std::string_view bytes) {
    constexpr std::string_view Digits = "0123456789abcdef";
    json += '"';
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e || c == '"' || c == '\\') {
            json.append("\\u00");
            json += Digits[byte >> 4U];
            json += Digits[byte & 15U];
        } else {
            json += c;
        }
    }
    json += '"';
}

std::string footer_json(const object::Headers& footers) {
    std::string json = "{";
    for (const auto& [name, value] : footers) {
        if (json.size() > 1) json += ", ";
        append_json(json, name);
        json += ": ";
        append_json(json, value);
    }
    return json + "}";
}

/// A listing is asked for in JSON, whatever its reader wants: only that can be decrypted.
std::string target_in_json(const object::RequestHead& request) {
    const auto target = object::parse_target(request.target);
    if (request.method != "GET" || !target || target->path.is_object()) return request.target;
    std::string out = request.target.substr(0, request.target.find('?')) + "?format=json";
    for (const auto& [name, value] : target->query) {
        if (name != "format") out += "&" + object::form_quoted(name) + "=" + object::form_quoted(value);
    }
    return out;
}

class SwiftCall final : public StoreCall {
public:
    SwiftCall(std::unique_ptr<http::StreamCall> call, std::size_t footer_room)
        : call_(std::move(call)), footer_room_(footer_room) {}

    asio::awaitable<Result<void>> write(std::span<const std::byte> body) override { return call_->write(body); }

    bool is_answered() const override { return call_->is_answered(); }

    asio::awaitable<Result<object::ResponseHead>> finish(const object::Headers& footers) override {
        if (footer_room_ > 0) {
            std::string json = footer_json(footers);
            if (json.size() > footer_room_) co_return Error{Code::Internal, "an object's footers are too long", {}};
            json.resize(footer_room_, ' ');
            const Result<void> written = co_await call_->write(bytes_of(json));
            if (!written) co_return written.error();
        }
        Result<http::ResponseHead> head = co_await call_->finish();
        if (!head) co_return head.error();
        object::ResponseHead response{head->status, {}};
        for (auto& [name, value] : head->headers) {
            if (starts_with_no_case(name, CarriedPrefix)) name.erase(0, CarriedPrefix.size());
            if (starts_with_no_case(name, ShimPrefix)) continue;
            response.headers.add(std::move(name), std::move(value));
        }
        co_return response;
    }

    asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into) override { return call_->read(into); }

    asio::awaitable<void> close() override {
        call_.reset();
        co_return;
    }

private:
    std::unique_ptr<http::StreamCall> call_;
    const std::size_t footer_room_;
};

class SwiftStore final : public Store {
public:
    SwiftStore(http::Endpoint endpoint, SecureBytes secret, const http::StreamClientConfig& config)
        : client_(std::move(endpoint), config), secret_(std::move(secret)) {}

    asio::awaitable<Result<std::unique_ptr<StoreCall>>> start(const object::RequestHead& request, bool has_body,
                                                              std::size_t footer_room) override {
        api::Request out;
        out.method = request.method;
        out.target = target_in_json(request);
        for (const auto& [name, value] : request.headers) {
            if (starts_with_no_case(name, ShimPrefix) || object::equal_no_case(name, object::EtagFollows)) continue;
            out.headers.emplace_back(is_carried(name) ? std::string(CarriedPrefix) + name : name, value);
        }
        out.headers.emplace_back(SecretHeader, text_of(secret_.reveal()));
        std::optional<http::BodyMark> mark;
        if (footer_room > 0) out.headers.emplace_back(FooterHeader, std::to_string(footer_room));
        if (has_body && !request.body_length) mark = http::BodyMark{{}, true};
        const bool has_length = request.body_length || footer_room > 0 || request.method == "POST";
        if (!mark && has_length) mark = http::BodyMark{request.body_length.value_or(0) + footer_room, false};
        const bool asks = mark && (mark->chunked || *mark->length >= AskFrom);
        Result<std::unique_ptr<http::StreamCall>> call = co_await client_.start(out, mark, asks);
        if (!call) co_return std::move(call).error();
        std::unique_ptr<StoreCall> ready = std::make_unique<SwiftCall>(std::move(*call), footer_room);
        co_return std::move(ready);
    }

    asio::awaitable<Result<bool>> replace_headers(const object::ObjectPath& /*path*/, const object::Headers& /*seen*/,
                                                  const object::Headers& /*replacement*/) override {
        co_return Error{Code::Refused, "Swift changes the crypto metadata of an object only with its data", {}};
    }
    bool can_replace_headers() const override { return false; }

    bool authenticates() const override { return true; }
    bool takes_other_paths() const override { return true; }

private:
    http::StreamClient client_;
    const SecureBytes secret_;
};

}  // namespace

Result<std::unique_ptr<Store>> make_swift_store(http::Endpoint endpoint, const SecureBytes& secret,
                                                const http::StreamClientConfig& config) {
    const std::string_view text = object::trimmed(text_of(secret.reveal()));
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
    if (text.size() < 16 || !printable) {
        return Error{
            Code::InvalidInput, "the shim's secret has to be at least 16 printable characters without blanks", {}};
    }
    SecureBytes kept = TRY(SecureBytes::copy_of(bytes_of(text)));
    std::unique_ptr<Store> store = std::make_unique<SwiftStore>(std::move(endpoint), std::move(kept), config);
    return store;
}

}  // namespace sallyport::objects
