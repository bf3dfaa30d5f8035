#include "agent/node_api/key_import.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/node_api/answer.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"
#include "keymanager/api/target.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/random.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using core::Caller;
using core::KeyImport;

constexpr std::string_view Prefix = "/sallyport/v1/key-import";
constexpr std::size_t MostKeys = 256;
constexpr int LargestPage = 5000;
constexpr std::size_t GeneratedBytes = 32;
/// The role that Cinder's documents ask for, for whoever is to have encrypted volumes.
constexpr const char* OwnerRole = "creator";

enum class Ownership { Tenant, Service };

Result<Ownership> ownership_at(const json::object& body) {
    const std::string owner = TRY(required_text(body, "owner"));
    if (owner == "tenant") return Ownership::Tenant;
    if (owner == "service") return Ownership::Service;
    return Error{Code::InvalidInput, "'owner' must be \"tenant\" or \"service\"", {}};
}

/// One member of "keys".
struct Item {
    std::string id;
    std::string name;
    Caller owner;
    std::vector<Caller> readers{};
};

Result<Caller> person_at(const json::object& from) {
    Caller person;
    person.user = UserId(TRY(required_text(from, "user")));
    person.project = ProjectId(TRY(required_text(from, "project")));
    person.roles = {OwnerRole};
    return person;
}

Result<const json::array*> array_at(const json::object& body, std::string_view member) {
    const json::value* found = body.if_contains(member);
    if (found != nullptr && found->is_array()) return &found->get_array();
    return Error{Code::InvalidInput, fmt::format("'{}' must be a list", member), {}};
}

Result<const json::object*> object_of(const json::value& value) {
    if (value.is_object()) return &value.get_object();
    return Error{Code::InvalidInput, "every key must be an object", {}};
}

Result<Item> item_from(const json::object& from) {
    Item item;
    item.id = TRY(optional_text(from, "id"))
    .value_or("");
    item.name = TRY(optional_text(from, "name"))
    .value_or("");
    item.owner = TRY(person_at(from));
    if (!from.contains("readers")) return item;
    for (const json::value& reader : *TRY(array_at(from, "readers"))) {
        item.readers.push_back(TRY(person_at(*TRY(object_of(reader)))));
    }
    return item;
}

Result<std::vector<Item>> items_of(const json::object& body) {
    const json::array* listed = TRY(array_at(body, "keys"));
    if (listed->size() > MostKeys) {
        return Error{Code::TooLarge, fmt::format("'keys' may name {} at a time", MostKeys), {}};
    }
    std::vector<Item> items;
    for (const json::value& one : *listed) items.push_back(TRY(item_from(*TRY(object_of(one)))));
    return items;
}

/// A body with a key: its digits on the first line, JSON after it.
struct KeyAndJson {
    SecureBytes key;
    json::object body;
};
Result<KeyAndJson> key_and_json(const api::Request& request) {
    const auto bytes = request.body.reveal();
    const auto line_end = std::ranges::find(bytes, std::byte{'\n'});
    const auto length = static_cast<std::size_t>(line_end - bytes.begin());
    if (line_end == bytes.end() || length == 0) {
        return Error{Code::InvalidInput, "the request's first line must be a key in hexadecimal digits", {}};
    }
    SecureBytes key = TRY(from_hex_secure(bytes.first(length)));
    json::error_code failed;
    json::value body = json::parse(text_of(bytes.subspan(length + 1)), failed);
    if (failed || !body.is_object()) {
        return Error{Code::InvalidInput, "the request's body is no JSON object after its first line", failed.message()};
    }
    return KeyAndJson{std::move(key), std::move(body.get_object())};
}

/// Who beside its owner may read a key: with "service", whoever uses it; else those whom the owner's project does not
/// let in anyway.
std::vector<UserId> readers_of(const Item& item, Ownership ownership) {
    std::vector<UserId> users;
    if (ownership == Ownership::Service) users.push_back(item.owner.user);
    for (const Caller& reader : item.readers) {
        const bool is_let_in = ownership == Ownership::Tenant && reader.project == item.owner.project;
        if (!is_let_in && std::ranges::find(users, reader.user) == users.end()) users.push_back(reader.user);
    }
    return users;
}

struct Verbs {
    core::KeyManager& key_manager;
    const Caller& caller;

    Result<json::object> run(const api::Request& request) {
        const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
        const std::string_view verb = path.substr(std::min(path.size(), Prefix.size()));
        if (verb == "/stored" && request.method == "GET") return stored(api::RequestTarget(request.target));
        if (request.method == "POST") {
            if (verb == "/store") return store(TRY(key_and_json(request)));
            if (verb == "/confirm") return confirm(TRY(key_and_json(request)));
            if (verb == "/generate") return generate(TRY(body_of(request)));
            if (verb == "/grant") return grant(TRY(body_of(request)));
            if (verb == "/look") return look(TRY(body_of(request)));
            if (verb == "/remove") return remove(TRY(body_of(request)));
        }
        return Error{Code::NotFound, fmt::format("there is no {} {}", request.method, path), {}};
    }

    Result<json::object> stored(const api::RequestTarget& target) {
        const auto number = [&target](const char* name, int fallback) {
            const std::string* given = target.parameter(name);
            return given == nullptr ? fallback : std::max(0, std::atoi(given->c_str()));
        };
        const std::string* prefix = target.parameter("prefix");
        if (prefix == nullptr || prefix->empty()) return Error{Code::InvalidInput, "'prefix' is missing", {}};
        const auto found = TRY(key_manager.key_import().find(*prefix));
        const auto begin = static_cast<std::size_t>(number("offset", 0));
        const auto most = static_cast<std::size_t>(std::min(number("limit", LargestPage), LargestPage));
        json::array keys;
        for (std::size_t i = begin; i < found.size() && i - begin < most; ++i) {
            keys.push_back(json::object{{"id", found[i].id.str()}, {"name", found[i].name}});
        }
        return json::object{{"keys", std::move(keys)}};
    }

    Result<json::object> store(const KeyAndJson& request) {
        const Ownership ownership = TRY(ownership_at(request.body));
        std::vector<KeyImport::Entry> entries;
        for (const Item& item : TRY(items_of(request.body))) {
            if (item.name.empty()) return Error{Code::InvalidInput, "'name' is missing", {}};
            entries.push_back(
                {ownership == Ownership::Tenant ? item.owner : caller, item.name, readers_of(item, ownership)});
        }
        const auto made = key_manager.key_import().store(entries, request.key);
        if (!made && made.error().code == Code::Forbidden) return forbidden(ownership, made.error());
        // Over HTTP that would be 403 as well, and a migration stops at what forbids it all.
        if (!made && made.error().code == Code::OverQuota) return Error{Code::Conflict, made.error().message, {}};
        json::array secrets;
        for (const SecretId& id : TRY(made)) secrets.emplace_back(id.str());
        return json::object{{"secrets", std::move(secrets)}};
    }

    Result<json::object> generate(const json::object& body) {
        const Ownership ownership = TRY(ownership_at(body));
        json::array secrets;
        for (const Item& item : TRY(items_of(body))) {
            const SecureBytes fresh = TRY(crypto::random_secret(GeneratedBytes));
            const KeyImport::Entry entry{ownership == Ownership::Tenant ? item.owner : caller, item.name,
                                         readers_of(item, ownership)};
            const auto made = TRY(key_manager.key_import().store(std::span(&entry, 1), fresh));
            secrets.emplace_back(made.front().str());
        }
        return json::object{{"secrets", std::move(secrets)}};
    }

    Result<json::object> confirm(const KeyAndJson& request) {
        const Ownership ownership = TRY(ownership_at(request.body));
        json::array answers;
        for (const Item& item : TRY(items_of(request.body))) {
            const Result<void> same =
                confirm_one(ownership == Ownership::Tenant ? item.owner : caller, item, request.key);
            answers.push_back(same ? json::value(nullptr)
                                   : json::value(json::object{{"code", name_of(same.error().code)},
                                                              {"message", same.error().message}}));
        }
        return json::object{{"answers", std::move(answers)}};
    }

    Result<void> confirm_one(const Caller& reader, const Item& item, const SecureBytes& key) {
        const core::Payload found = TRY(key_manager.fetch(reader, SecretId(item.id)));
        if (equal_in_constant_time(found.bytes.reveal(), key.reveal())) return {};
        return Error{Code::Corrupt, fmt::format("secret {} holds another key", item.id), {}};
    }

    Result<json::object> grant(const json::object& body) {
        for (const Item& item : TRY(items_of(body))) {
            const SecretId id(item.id);
            std::vector<UserId> lacking;
            std::vector<Caller> people = item.readers;
            people.insert(people.begin(), item.owner);
            for (const Caller& person : people) {
                if (!TRY(may_read(person, id))) lacking.push_back(person.user);
            }
            if (!lacking.empty()) TRY(key_manager.key_import().let_in(id, lacking));
        }
        return json::object();
    }

    /// Error: `NotFound`.
    Result<bool> may_read(const Caller& person, const SecretId& id) {
        const auto found = key_manager.check(person, "secret:decrypt", id);
        if (found) return true;
        if (found.error().code == Code::Forbidden) return false;
        return found.error();
    }

    Result<json::object> look(const json::object& body) {
        json::array states;
        for (const Item& item : TRY(items_of(body))) {
            const auto readable = may_read(item.owner, SecretId(item.id));
            if (!readable && readable.error().code != Code::NotFound) return readable.error();
            states.emplace_back(!readable ? "missing" : *readable ? "readable" : "refused");
        }
        return json::object{{"states", std::move(states)}};
    }

    Result<json::object> remove(const json::object& body) {
        TRY(key_manager.key_import().remove(SecretId(TRY(required_text(body, "id")))));
        return json::object();
    }

    Error forbidden(Ownership ownership, const Error& why) const {
        std::string roles;
        for (const std::string& role : caller.roles) roles += (roles.empty() ? "" : ", ") + role;
        const std::string who = ownership == Ownership::Tenant ? OwnerRole : roles;
        return {Code::Forbidden,
                fmt::format("the policy of the key manager lets role {} store no secret (secrets:post): {}; see "
                            "sallyport policy check --role {} --action secrets:post",
                            who, why.message, OwnerRole),
                why.detail};
    }
};

}  // namespace

api::Response KeyImportRoutes::handle(const api::Request& request, const Caller& caller) {
    if (!is_admin(caller)) {
        return answer(Error{Code::Forbidden, "keys are imported by callers with the role admin (auth.peers)", {}});
    }
    return answer(Verbs{key_manager_, caller}.run(request));
}

http::Route KeyImportRoutes::route(lanes::Lane& lane) {
    return route_on(lane, std::string(Prefix),
                    [this](const api::Request& request, const Caller& caller) { return handle(request, caller); });
}

}  // namespace sallyport::node_api
