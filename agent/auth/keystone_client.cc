#include "agent/auth/keystone_client.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/auth/single_flight.h"
#include "agent/http/client.h"
#include "agent/http/header_wiper.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/private_file.h"

namespace sallyport::auth {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view SubjectToken = "X-Subject-Token";
constexpr PrivateFileKind PasswordFile{.what = "password file", .most_bytes = 4096};

std::string header_text(const SecureBytes& token) { return std::string(text_of(token.reveal())); }

std::string* find_header(api::Response& response, std::string_view name) {
    const auto same = [name](const api::Header& header) {
        return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(),
                          [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
    };
    const auto found = std::find_if(response.headers.begin(), response.headers.end(), same);
    return found == response.headers.end() ? nullptr : &found->second;
}

Error away(const std::string& why) {
    return {Code::Unavailable, "the identity service cannot be asked; try again later", "Keystone: " + why};
}

Error nonsense(const std::string& why) {
    return {Code::Unavailable, "the identity service's answer makes no sense; try again later", "Keystone: " + why};
}

const json::value* member(const json::value& object, std::string_view name) {
    return object.is_object() ? object.get_object().if_contains(name) : nullptr;
}

std::string text_member(const json::value* object, std::string_view name) {
    const json::value* const found = object == nullptr ? nullptr : member(*object, name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// Barbican compares roles in lower case (its ContextMiddleware).
std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

Result<SecureBytes> read_password(const std::string& path) {
    SecureBytes password = TRY(read_private_file(path, PasswordFile));

    // Editors end a file with a newline; it is not part of the password.
    const auto is_end = [&password](std::size_t at) {
        return password.reveal()[at] == std::byte{'\n'} || password.reveal()[at] == std::byte{'\r'};
    };
    std::size_t length = password.size();
    while (length > 0 && is_end(length - 1)) --length;
    if (length == 0) return Error{Code::InvalidInput, fmt::format("{} holds no password", path), {}};
    password.truncate(length);
    return password;
}

/// How many bytes a character takes in a JSON string (RFC 8259, section 7).
std::size_t escaped_size(unsigned char c) {
    if (c == '"' || c == '\\') return 2;
    return c < 0x20 ? 6 : 1;
}

void append_escaped(std::span<std::byte>& out, unsigned char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto put = [&out](char byte) {
        out[0] = static_cast<std::byte>(byte);
        out = out.subspan(1);
    };
    if (c < 0x20) {
        for (const char byte : std::string_view("\\u00")) put(byte);
        put(digits[c >> 4U]);
        put(digits[c & 15U]);
        return;
    }
    if (c == '"' || c == '\\') put('\\');
    put(static_cast<char>(c));
}

json::object named(const std::string& name, const Domain& domain) {
    const char* const by = domain.id.empty() ? "name" : "id";
    return {{"name", name}, {"domain", json::object{{by, domain.id.empty() ? domain.name : domain.id}}}};
}

}  // namespace

Result<SecureBytes> login_body(const Account& account, const SecureBytes& password) {
    // Everything but the password by the library, which would copy that into ordinary memory: it goes in by hand
    // where the mark stands. The mark is followed by a quote, so no name can hold it unescaped.
    constexpr std::string_view mark = "<password>\"";
    json::object user = named(account.username, account.user_domain);
    user["password"] = "<password>";
    const json::object body = {
        {"auth", json::object{{"identity", json::object{{"methods", json::array{"password"}},
                                                        {"password", json::object{{"user", std::move(user)}}}}},
                              {"scope", json::object{{"project", named(account.project, account.project_domain)}}}}}};
    const std::string text = json::serialize(body);
    const std::string before = text.substr(0, text.find(mark, text.find("\"password\":\"<")));
    const std::string after = text.substr(before.size() + mark.size() - 1);

    std::size_t size = before.size() + after.size();
    for (const std::byte b : password.reveal()) size += escaped_size(std::to_integer<unsigned char>(b));
    SecureBytes filled = TRY(SecureBytes::of_size(size));
    std::span<std::byte> rest = filled.writable();
    std::memcpy(rest.data(), before.data(), before.size());
    rest = rest.subspan(before.size());
    for (const std::byte b : password.reveal()) append_escaped(rest, std::to_integer<unsigned char>(b));
    std::memcpy(rest.data(), after.data(), after.size());
    return filled;
}

Result<TokenFacts> token_facts_of(std::string_view text) {
    boost::system::error_code error;
    const json::value answer = json::parse(text, error);
    if (error) return nonsense("no JSON: " + error.message());
    const json::value* const token = member(answer, "token");
    if (token == nullptr) return nonsense("no token in it");

    TokenFacts facts;
    facts.caller.user = UserId(text_member(member(*token, "user"), "id"));
    facts.caller.project = ProjectId(text_member(member(*token, "project"), "id"));
    if (facts.caller.user.empty()) return nonsense("a token without a user");
    if (const json::value* const system = member(*token, "system"); system != nullptr) {
        const json::value* const all = member(*system, "all");
        if (all != nullptr && all->is_bool() && all->get_bool()) facts.caller.system_scope = "all";
    }
    // A role on a domain says nothing about the projects in it.
    const bool roles_count = !facts.caller.project.empty() || !facts.caller.system_scope.empty();
    const json::value* const roles = member(*token, "roles");
    if (roles_count && roles != nullptr && roles->is_array()) {
        for (const json::value& role : roles->get_array()) {
            facts.caller.roles.push_back(lower(text_member(&role, "name")));
        }
    }
    Result<Timestamp> expires = parse_iso8601(text_member(token, "expires_at"));
    if (!expires) return nonsense("a token without an expiry");
    facts.expires = *expires;
    return facts;
}

struct KeystoneClient::Impl {
    Impl(const config::Keystone& settings, const Clock& wall_clock, http::Endpoint endpoint, SecureBytes secret)
        : config(settings),
          clock(wall_clock),
          timeout(std::chrono::seconds(settings.timeout_seconds)),
          password(std::move(secret)),
          client(std::move(endpoint), http::ClientConfig{.idle_connections = 0}) {}

    asio::awaitable<Result<ServiceTokenPtr>> log_in() {
        api::Request request;
        request.method = "POST";
        request.target = "/auth/tokens?nocatalog";
        request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
        const Account account{config.username, {config.user_domain}, config.project, {config.project_domain}};
        auto body = login_body(account, password);
        if (!body) co_return std::move(body).error();
        request.body = std::move(*body);

        auto response = co_await client.fetch(request, timeout);
        if (!response) co_return away(response.error().message);
        const http::HeaderWiper wiper(response->headers);
        if (response->status == 401) {
            log_error("Keystone refuses the account {} of the agent: wrong name, domain, project or password ({})",
                      config.username, config.url);
            co_return away("it refuses the agent's own account");
        }
        if (response->status != 201) co_return away(fmt::format("log-in answered {}", response->status));

        const std::string* const token = find_header(*response, SubjectToken);
        if (token == nullptr || token->empty()) co_return nonsense("log-in gave no token");
        const auto facts = token_facts_of(text_of(response->body.reveal()));
        if (!facts) co_return facts.error();
        auto secret = SecureBytes::copy_of(bytes_of(*token));
        if (!secret) co_return std::move(secret).error();
        // Renewed when nine tenths of its life are over, so a question under way never carries an expired one.
        const Timestamp now = clock.now();
        const Timestamp renew_at = now + (facts->expires - now) * 9 / 10;
        auto fresh =
            std::make_shared<const ServiceToken>(ServiceToken{std::move(*secret), facts->caller.roles, renew_at});
        const std::lock_guard lock(mutex);
        service_token = fresh;
        co_return fresh;
    }

    asio::awaitable<Result<ServiceTokenPtr>> service_token_now() {
        if (ServiceTokenPtr current = current_token()) co_return current;
        auto fresh = co_await log_ins.run(0, [this] { return log_in(); });
        co_return fresh;
    }

    ServiceTokenPtr current_token() const {
        const std::lock_guard lock(mutex);
        const bool is_good = service_token != nullptr && clock.now() < service_token->renew_at;
        return is_good ? service_token : nullptr;
    }

    /// Keystone has refused it: whoever finds it still in place takes it away.
    void discard(const ServiceTokenPtr& refused) {
        const std::lock_guard lock(mutex);
        if (service_token == refused) service_token = nullptr;
    }

    asio::awaitable<Result<api::Response>> ask_about(const SecureBytes& token, const ServiceToken& service,
                                                     Expired expired) {
        api::Request request;
        request.method = "GET";
        request.target =
            expired == Expired::Allowed ? "/auth/tokens?allow_expired=1&nocatalog" : "/auth/tokens?nocatalog";
        request.headers = {{"Accept", "application/json"}};
        const http::HeaderWiper wiper(request.headers);
        request.headers.emplace_back("X-Auth-Token", header_text(service.token));
        request.headers.emplace_back(SubjectToken, header_text(token));
        auto response = co_await client.fetch(request, timeout);
        co_return response;
    }

    const config::Keystone config;
    const Clock& clock;
    const std::chrono::milliseconds timeout;
    const SecureBytes password;
    /// Keeps no connection open between questions, which are rare: a kept one would belong to the event loop that
    /// opened it, and this client outlives the loops.
    http::Client client;
    SingleFlight<int, ServiceTokenPtr> log_ins;

    mutable std::mutex mutex;
    ServiceTokenPtr service_token;  ///< guarded by mutex
};

KeystoneClient::KeystoneClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeystoneClient::~KeystoneClient() = default;

Result<std::unique_ptr<KeystoneClient>> KeystoneClient::make(const config::Keystone& config, const Clock& clock) {
    http::Endpoint endpoint = TRY(http::Endpoint::parse(config.url));
    endpoint.ca_file = config.ca_file;
    SecureBytes password = TRY(read_password(config.password_file.path));
    return std::unique_ptr<KeystoneClient>(
        new KeystoneClient(std::make_unique<Impl>(config, clock, std::move(endpoint), std::move(password))));
}

asio::awaitable<Result<ServiceTokenPtr>> KeystoneClient::service_token() { return impl_->service_token_now(); }
void KeystoneClient::discard(const ServiceTokenPtr& refused) { impl_->discard(refused); }

asio::awaitable<Result<TokenFacts>> KeystoneClient::validate(const SecureBytes& token, Expired expired) {
    // Twice at most: our own token may have been revoked behind our back, but not again right after a log-in.
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto service = co_await impl_->service_token_now();
        if (!service) co_return std::move(service).error();
        auto response = co_await impl_->ask_about(token, **service, expired);
        if (!response) co_return away(response.error().message);
        const http::HeaderWiper wiper(response->headers);
        if (response->status == 200) {
            auto facts = token_facts_of(text_of(response->body.reveal()));
            if (facts && expired == Expired::Refused && facts->expires <= impl_->clock.now()) {
                co_return Error{Code::Unauthenticated, "the token has expired", {}};
            }
            co_return facts;
        }
        if (response->status == 404) co_return Error{Code::Unauthenticated, "the token is not known", {}};
        if (response->status != 401) co_return away(fmt::format("validation answered {}", response->status));
        impl_->discard(*service);
    }
    log_error("Keystone gives the account {} of the agent tokens that it refuses itself", impl_->config.username);
    co_return away("it refuses the agent's own token");
}

}  // namespace sallyport::auth
