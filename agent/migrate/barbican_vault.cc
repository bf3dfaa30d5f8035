#include "agent/migrate/barbican_vault.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::migrate {
namespace {

namespace json = boost::json;
using migration::KeyState;
using migration::KeyUse;
using migration::NewKey;
using migration::StoredKey;

constexpr std::size_t PageOfSecrets = 100;  // Barbican gives no more
constexpr std::string_view Octets = "application/octet-stream";

std::string with_version(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    if (!url.ends_with("/v1")) url += "/v1";
    return url;
}

/// RFC 3986, section 2.3: everything but unreserved characters.
std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

bool is_good(const api::Response& response) { return response.status >= 200 && response.status < 300; }

Code code_of(int status) {
    switch (status) {
        case 401: return Code::Unauthenticated;
        case 403: return Code::Forbidden;
        case 404: return Code::NotFound;
        case 409: return Code::Conflict;
        case 413: return Code::TooLarge;
        case 429: return Code::Overloaded;
        default: return status >= 500 ? Code::Unavailable : Code::InvalidInput;
    }
}

/// Passes by itself, perhaps.
bool is_passing(const Error& error) { return error.code == Code::Unavailable || error.code == Code::Overloaded; }

std::string text_at(const json::object& from, std::string_view name) {
    const json::value* found = from.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

SecretId id_in(std::string_view ref) { return SecretId(std::string(ref.substr(ref.rfind('/') + 1))); }

/// The object in an answer that holds no secret.
Result<json::object> object_of(const api::Response& response) {
    json::error_code failed;
    json::value answer = json::parse(text_of(response.body.reveal()), failed);
    if (failed || !answer.is_object()) return Error{Code::Corrupt, "Barbican's answer is no JSON object", {}};
    return std::move(answer.get_object());
}

Result<std::vector<StoredKey>> secrets_of(const api::Response& response) {
    const json::object answer = TRY(object_of(response));
    const json::value* const listed = answer.if_contains("secrets");
    if (listed == nullptr || !listed->is_array()) return Error{Code::Corrupt, "Barbican's answer lists no secrets", {}};
    std::vector<StoredKey> all;
    for (const json::value& one : listed->get_array()) {
        if (!one.is_object()) continue;
        all.push_back({id_in(text_at(one.get_object(), "secret_ref")), text_at(one.get_object(), "name")});
    }
    return all;
}

/// What python-barbicanclient sends, with a name. The key goes from locked memory into locked memory.
Result<SecureBytes> new_secret(const SecureBytes& key, const std::string& name) {
    const std::string before =
        fmt::format(R"({{"name":{},"algorithm":"AES","bit_length":{},"secret_type":"symmetric","payload":")",
                    json::serialize(json::value(name)), key.size() * 8);
    constexpr std::string_view After =
        R"(","payload_content_type":"application/octet-stream","payload_content_encoding":"base64"})";
    const SecureBytes payload = TRY(to_base64_secure(key));
    SecureBytes body = TRY(SecureBytes::of_size(before.size() + payload.size() + After.size()));
    auto to = std::ranges::copy(bytes_of(before), body.writable().begin()).out;
    to = std::ranges::copy(payload.reveal(), to).out;
    std::ranges::copy(bytes_of(After), to);
    return body;
}

void add_user(std::vector<std::string>& users, const UserId& user) {
    if (!user.empty() && std::ranges::find(users, user.str()) == users.end()) users.push_back(user.str());
}

std::vector<std::string> users_of(const KeyUse& key) {
    std::vector<std::string> users;
    add_user(users, key.owner.user);
    for (const migration::KeyOwner& reader : key.readers) add_user(users, reader.user);
    return users;
}

}  // namespace

BarbicanVault::BarbicanVault(std::string url, std::unique_ptr<ServiceSession> session, BarbicanVaultOptions options)
    : url_(std::move(url)), session_(std::move(session)), options_(std::move(options)) {}

Result<std::unique_ptr<migration::KeyVault>> BarbicanVault::make(const std::string& url,
                                                                 const migration::OsloConfig& cinder,
                                                                 BarbicanVaultOptions options) {
    ServiceAccount account = TRY(service_account(cinder));
    http::Endpoint endpoint = TRY(http::Endpoint::parse(with_version(url)));
    endpoint.ca_file = account.barbican_ca;
    auto session = TRY(ServiceSession::make(std::move(account), endpoint, static_cast<std::size_t>(options.jobs)));
    return std::unique_ptr<migration::KeyVault>(new BarbicanVault(url, std::move(session), std::move(options)));
}

template <class Call>
auto BarbicanVault::patiently(const Call& call) const {
    std::chrono::milliseconds wait = options_.first_wait;
    for (int number = 1;; ++number) {
        auto result = call();
        if (result || !is_passing(result.error()) || number >= options_.tries) return result;
        if (options_.sleep) {
            options_.sleep(wait);
        } else {
            std::this_thread::sleep_for(wait);
        }
        wait *= 2;
    }
}

Error BarbicanVault::forbidden() const {
    const auth::Account& account = session_->account();
    return {
        Code::Forbidden,
        fmt::format(
            "Barbican ({}) lets the account '{}' of project '{}' list and store no keys: it lacks the role creator. "
            "openstack role add --project {} --user {} creator",
            url_, account.username, account.project, account.project, account.username),
        {}};
}

Result<api::Response> BarbicanVault::ask(std::string_view method, const std::string& target, const SecureBytes& body,
                                         std::string_view accept) const {
    std::vector<api::Header> headers{{"Accept", std::string(accept)}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    api::Response response = TRY(session_->send(method, target, std::move(headers), body));
    if (is_good(response)) return response;
    return Error{code_of(response.status),
                 fmt::format("Barbican ({}) answered {} {} with {}", url_, method, target, response.status),
                 {}};
}

Result<std::vector<StoredKey>> BarbicanVault::stored() {
    std::vector<StoredKey> ours;
    // Oldest first: what is stored meanwhile comes at the end and moves nothing.
    for (std::size_t offset = 0;; offset += PageOfSecrets) {
        const std::string target = fmt::format(
            "/secrets?secret_type=symmetric&sort=created:asc,name:asc&limit={}&offset={}", PageOfSecrets, offset);
        const auto listed = patiently([&]() -> Result<std::vector<StoredKey>> {
            const api::Response response = TRY(ask("GET", target));
            return secrets_of(response);
        });
        if (!listed && listed.error().code == Code::Forbidden) return forbidden();
        if (!listed) return listed.error();
        const std::vector<StoredKey>& page = *listed;
        std::ranges::copy_if(page, std::back_inserter(ours),
                             [](const StoredKey& one) { return one.name.starts_with(migration::KeyNamePrefix); });
        if (page.size() < PageOfSecrets) return ours;
    }
}

Result<std::optional<SecretId>> BarbicanVault::find(const std::string& name) const {
    const api::Response response = TRY(ask("GET", "/secrets?name=" + percent_encoded(name)));
    for (const StoredKey& one : TRY(secrets_of(response))) {
        if (one.name == name) return std::optional(one.id);
    }
    return std::optional<SecretId>();
}

Result<SecretId> BarbicanVault::store_one(const SecureBytes& key, const std::string& name) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto made = made_.find(name); made != made_.end()) return made->second;
    }
    const SecureBytes body = TRY(new_secret(key, name));
    bool is_first = true;
    SecretId id = TRY(patiently([&]() -> Result<SecretId> {
        if (!std::exchange(is_first, false)) {
            if (auto found = TRY(find(name))) return *std::move(found);
        }
        const api::Response response = TRY(ask("POST", "/secrets", body));
        const json::object answer = TRY(object_of(response));
        SecretId made = id_in(text_at(answer, "secret_ref"));
        if (made.empty()) return Error{Code::Corrupt, "Barbican's answer names no secret", {}};
        return made;
    }));
    const std::lock_guard lock(mutex_);
    made_.emplace(name, id);
    return id;
}

Result<std::vector<SecretId>> BarbicanVault::store(const SecureBytes& key, std::span<const NewKey> wanted) {
    std::vector<SecretId> ids;
    for (const NewKey& one : wanted) {
        auto id = store_one(key, one.name);
        if (!id && id.error().code == Code::Forbidden) return forbidden();
        ids.push_back(TRY(std::move(id)));
    }
    return ids;
}

Result<void> BarbicanVault::confirm_one(const SecureBytes& key, const SecretId& id) const {
    const api::Response response = TRY(patiently(
        [&] { return ask("GET", fmt::format("/secrets/{}/payload", percent_encoded(id.str())), {}, Octets); }));
    if (equal_in_constant_time(response.body.reveal(), key.reveal())) return {};
    return Error{Code::Corrupt, fmt::format("Barbican has another key under {}", id.str()), {}};
}

Result<std::vector<Result<void>>> BarbicanVault::confirm(const SecureBytes& key, std::span<const KeyUse> keys) {
    std::vector<Result<void>> answers;
    for (const KeyUse& one : keys) {
        auto answer = confirm_one(key, one.id);
        if (!answer && is_passing(answer.error())) return std::move(answer).error();
        answers.push_back(std::move(answer));
    }
    return answers;
}

Result<std::optional<BarbicanVault::Users>> BarbicanVault::readers_of(const SecretId& id) const {
    const auto response =
        patiently([&] { return ask("GET", fmt::format("/secrets/{}/acl", percent_encoded(id.str()))); });
    if (!response && response.error().code == Code::Forbidden) return std::optional<Users>();
    if (!response) return response.error();
    const json::object answer = TRY(object_of(*response));
    Users users;
    const json::value* const read = answer.if_contains("read");
    const json::value* const listed =
        read != nullptr && read->is_object() ? read->get_object().if_contains("users") : nullptr;
    if (listed == nullptr || !listed->is_array()) return std::optional<Users>(users);
    for (const json::value& user : listed->get_array()) {
        if (user.is_string()) users.emplace_back(user.get_string());
    }
    return std::optional<Users>(users);
}

Result<void> BarbicanVault::grant_one(const KeyUse& key) const {
    // Others may have been let at it before; a PUT replaces the list.
    const std::optional<Users> now = TRY(readers_of(key.id));
    if (!now) return Error{Code::Forbidden, fmt::format("the key {} belongs to another project", key.id.str()), {}};
    Users users = *now;
    for (const std::string& user : users_of(key)) add_user(users, UserId(user));
    if (users == *now) return {};
    const json::object body{{"read", json::object{{"users", json::value_from(users)}}}};
    const SecureBytes content = TRY(SecureBytes::copy_of(bytes_of(json::serialize(body))));
    TRY(patiently([&] { return ask("PUT", fmt::format("/secrets/{}/acl", percent_encoded(key.id.str())), content); }));
    return {};
}

Result<void> BarbicanVault::grant(std::span<const KeyUse> keys) {
    for (const KeyUse& key : keys) TRY(grant_one(key));
    return {};
}

Result<std::vector<KeyState>> BarbicanVault::look(std::span<const KeyUse> keys) {
    std::vector<KeyState> states;
    for (const KeyUse& key : keys) {
        const auto readers = readers_of(key.id);
        if (!readers && readers.error().code == Code::NotFound) {
            states.push_back(KeyState::Missing);
            continue;
        }
        if (!readers) return readers.error();
        const bool is_own = key.owner.project == session_->project();
        const bool may_read = !*readers || is_own || std::ranges::all_of(users_of(key), [&](const std::string& user) {
            return std::ranges::find(**readers, user) != (*readers)->end();
        });
        states.push_back(may_read ? KeyState::Readable : KeyState::Refused);
    }
    return states;
}

Result<void> BarbicanVault::remove(const SecretId& id) {
    const auto removed =
        patiently([&] { return ask("DELETE", fmt::format("/secrets/{}", percent_encoded(id.str()))); });
    if (!removed && removed.error().code != Code::NotFound) return removed.error();
    const std::lock_guard lock(mutex_);
    std::erase_if(made_, [&id](const auto& made) { return made.second == id; });
    return {};
}

}  // namespace sallyport::migrate
