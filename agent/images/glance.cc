#include "agent/images/glance.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <mutex>
#include <string_view>
#include <utility>

#include "agent/auth/keystone_client.h"
#include "agent/http/client.h"
#include "agent/http/header_wiper.h"
#include "integrations/image/deletion_policy.h"
#include "integrations/image/notification.h"
#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"

namespace sallyport::images {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

/// Images are a few KiB each, more with many properties.
constexpr int PageImages = 50;
constexpr std::size_t AnswerBytes = 4 << 20;
constexpr std::string_view Path = "/v2/images";

/// Two lists make all of them: Glance shows images that their owners hide (os_hidden) only to who asks for those alone.
constexpr std::string_view Shown = "false";
constexpr std::string_view Hidden = "true";

Error away(const std::string& why) {
    return {Code::Unavailable, "the image service cannot be asked: " + why, "Glance"};
}

Result<json::object> object_in(const api::Response& response) {
    json::error_code failed;
    json::value body = json::parse(text_of(response.body.reveal()), failed);
    if (!failed && body.is_object()) return std::move(body.get_object());
    return away("its answer is no JSON object");
}

/// As roles come from Keystone's client.
std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// Runs a coroutine on an event loop of its own.
template <class T>
T run_blocking(asio::awaitable<T> coroutine) {
    asio::io_context loop{1};
    std::optional<T> answer;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
            T value = co_await std::move(coroutine);
            answer.emplace(std::move(value));
        },
        asio::detached);
    loop.run();
    SALLYPORT_ASSERT(answer.has_value());  // the only coroutine has run to its end
    return *std::move(answer);
}

class HttpGlance final : public Glance {
public:
    HttpGlance(const config::Images& settings, http::Endpoint endpoint, std::unique_ptr<auth::KeystoneClient> keystone)
        : admin_role_(lower(settings.admin_role)),
          timeout_(std::chrono::seconds(settings.timeout_seconds)),
          keystone_(std::move(keystone)),
          // Its connections would belong to an event loop that ends with the call.
          client_(std::move(endpoint), {.response_bytes = AnswerBytes, .idle_connections = 0}) {}

    Result<std::optional<model::ImageKey>> find(const std::string& image) override {
        const api::Response response = TRY(get(fmt::format("{}/{}", Path, image)));
        if (response.status == 200) {
            model::ImageKey found = image::image_key_of(TRY(object_in(response)));
            if (found.image != image) return away("it answers with another image");
            return std::optional(std::move(found));
        }
        if (response.status != 404) return away(fmt::format("it answered {} for an image", response.status));
        // A proxy in front of it, or a URL that leads elsewhere, has no images at all, nor a list of them.
        TRY(list_at(fmt::format("{}?limit=1", Path)));
        return std::optional<model::ImageKey>();
    }

    Result<ImagePage> list(Walk walk, const std::string& from) override {
        std::string target = from;
        if (target.empty()) target = first_page(walk, Shown);
        ImagePage page = TRY(list_at(target));
        if (page.next.empty() && target.find("os_hidden=true") == std::string::npos) {
            page.next = first_page(walk, Hidden);
        }
        return page;
    }

private:
    static std::string first_page(Walk walk, std::string_view hidden) {
        std::string target = fmt::format("{}?limit={}&os_hidden={}&visibility=all", Path, PageImages, hidden);
        if (walk == Walk::DeletedWithKey) {
            target += fmt::format("&cinder_encryption_key_deletion_policy={}", image::OnImageDeletion);
        }
        return target;
    }

    Result<ImagePage> list_at(const std::string& target) {
        const api::Response response = TRY(get(target));
        if (response.status != 200) return away(fmt::format("it answered {} for a list", response.status));
        const json::object body = TRY(object_in(response));
        const json::value* images = body.if_contains("images");
        if (images == nullptr || !images->is_array()) return away("its list has no images");
        ImagePage page;
        for (const json::value& image : images->get_array()) {
            if (!image.is_object()) return away("its list makes no sense");
            page.images.push_back(image::image_key_of(image.get_object()));
        }
        if (const json::value* next = body.if_contains("next"); next != nullptr && next->is_string()) {
            page.next = next->get_string();
            if (!page.next.starts_with(Path)) return away("its list goes on nowhere");
        }
        return page;
    }

    Result<api::Response> get(const std::string& target) {
        const std::lock_guard lock(mutex_);
        return run_blocking(ask(target));
    }

    asio::awaitable<Result<api::Response>> ask(const std::string& target) {
        // Twice at most: our token may have been revoked behind our back, but not again right after a log-in.
        for (int attempt = 0; attempt < 2; ++attempt) {
            const Result<auth::ServiceTokenPtr> service = co_await keystone_->service_token();
            if (!service) co_return service.error();
            if (std::ranges::find((*service)->roles, admin_role_) == (*service)->roles.end()) {
                co_return away(
                    fmt::format("the account of auth.keystone lacks the role {} (images.admin_role), without "
                                "which Glance hides other projects' images",
                                admin_role_));
            }
            api::Request request;
            request.method = "GET";
            request.target = target;
            request.headers = {{"Accept", "application/json"}};
            const http::HeaderWiper wiper(request.headers);
            request.headers.emplace_back("X-Auth-Token", std::string(text_of((*service)->token.reveal())));
            Result<api::Response> response = co_await client_.fetch(request, timeout_);
            if (!response) co_return away(response.error().message);
            if (response->status != 401) co_return std::move(response);
            keystone_->discard(*service);
        }
        co_return away("it refuses the agent's own token");
    }

    const std::string admin_role_;
    const std::chrono::milliseconds timeout_;
    const std::unique_ptr<auth::KeystoneClient> keystone_;
    http::Client client_;
    std::mutex mutex_;  ///< one question at a time: Glance has other users
};

}  // namespace

Result<std::unique_ptr<Glance>> make_glance(const config::Images& settings, const config::Keystone& account,
                                            const Clock& clock) {
    http::Endpoint endpoint = TRY(http::Endpoint::parse(settings.glance_url));
    endpoint.ca_file = settings.ca_file;
    auto keystone = TRY(auth::KeystoneClient::make(account, clock));
    return std::unique_ptr<Glance>(std::make_unique<HttpGlance>(settings, std::move(endpoint), std::move(keystone)));
}

}  // namespace sallyport::images
