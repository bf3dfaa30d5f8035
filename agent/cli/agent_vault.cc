#include "agent/cli/agent_vault.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "agent/cli/agent_client.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;
using migration::KeyOwner;
using migration::KeyState;
using migration::KeyUse;
using migration::NewKey;
using migration::StoredKey;

constexpr std::size_t PageOfStored = 5000;
/// As prefix in a URL: the blank is the only character that needs an escape.
constexpr std::string_view EscapedPrefix = "sallyport%20fixed-key%20";

json::array to_json(const std::vector<KeyOwner>& readers) {
    json::array listed;
    for (const KeyOwner& reader : readers) listed.push_back(owner_json(reader));
    return listed;
}

json::object to_json(const KeyUse& use) {
    json::object one = owner_json(use.owner);
    one["id"] = use.id.str();
    if (!use.readers.empty()) one["readers"] = to_json(use.readers);
    return one;
}

json::array to_json(std::span<const KeyUse> uses) {
    json::array listed;
    for (const KeyUse& use : uses) listed.push_back(to_json(use));
    return listed;
}

Error odd_answer() {
    return {Code::Internal, "the agent's answer is not what was asked for: is it of this version?", {}};
}

Result<const json::array*> list_at(const json::object& answer, std::string_view member,
                                   std::optional<std::size_t> size) {
    const json::value* found = answer.if_contains(member);
    if (found == nullptr || !found->is_array()) return odd_answer();
    if (size && found->get_array().size() != *size) return odd_answer();
    return &found->get_array();
}

std::string text_at(const json::object& from, std::string_view member) {
    const json::value* found = from.if_contains(member);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

Code code_from(std::string_view name) {
    for (const Code code :
         {Code::NotFound, Code::Forbidden, Code::Corrupt, Code::WrongKey, Code::Unavailable, Code::Overloaded}) {
        if (name_of(code) == name) return code;
    }
    return Code::Internal;
}

Result<void> answer_from(const json::value& one) {
    if (one.is_null()) return {};
    if (!one.is_object()) return odd_answer();
    return Error{code_from(text_at(one.get_object(), "code")), text_at(one.get_object(), "message"), {}};
}

Result<KeyState> state_from(const json::value& one) {
    if (!one.is_string()) return odd_answer();
    const std::string_view text = one.get_string();
    if (text == "readable") return KeyState::Readable;
    if (text == "refused") return KeyState::Refused;
    if (text == "missing") return KeyState::Missing;
    return odd_answer();
}

/// The key's digits, a line end, the JSON.
Result<SecureBytes> body_of(const SecureBytes* key, const std::string& text) {
    if (key == nullptr) return SecureBytes::copy_of(bytes_of(text));
    const SecureBytes digits = TRY(to_hex_secure(*key));
    SecureBytes body = TRY(SecureBytes::of_size(digits.size() + 1 + text.size()));
    const auto end = std::ranges::copy(digits.reveal(), body.writable().begin()).out;
    *end = std::byte{'\n'};
    std::ranges::copy(bytes_of(text), end + 1);
    return body;
}

}  // namespace

json::object owner_json(const KeyOwner& owner) {
    return {{"user", owner.user.str()}, {"project", owner.project.str()}};
}

std::string_view word_of(KeyOwnership ownership) {
    switch (ownership) {
        case KeyOwnership::Tenant: return "tenant";
        case KeyOwnership::Service: break;
    }
    return "service";
}

Result<json::object> AgentVault::call(std::string_view method, std::string_view verb, const json::object& body,
                                      const SecureBytes* key) const {
    AgentClient agent(socket_);
    SecureBytes content;
    std::vector<api::Header> headers = {{"Accept", "application/json"}};
    if (method == "POST") {
        headers.emplace_back("Content-Type", key == nullptr ? "application/json" : "application/octet-stream");
        content = TRY(body_of(key, json::serialize(body)));
    }
    const api::Response response =
        TRY(agent.send(method, fmt::format("/sallyport/v1/key-import/{}", verb), headers, std::move(content)));
    if (response.status < 200 || response.status >= 300) return error_of(response);
    json::error_code failed;
    json::value answer = json::parse(text_of(response.body.reveal()), failed);
    if (failed || !answer.is_object()) return odd_answer();
    return std::move(answer.get_object());
}

json::object AgentVault::body_with(json::array keys) const {
    return {{"owner", word_of(ownership_)}, {"keys", std::move(keys)}};
}

Result<std::vector<StoredKey>> AgentVault::stored() {
    std::vector<StoredKey> all;
    while (true) {
        const json::object answer = TRY(call(
            "GET", fmt::format("stored?prefix={}&offset={}&limit={}", EscapedPrefix, all.size(), PageOfStored), {}));
        const json::array& page = *TRY(list_at(answer, "keys", std::nullopt));
        for (const json::value& one : page) {
            if (!one.is_object()) return odd_answer();
            all.push_back({SecretId(text_at(one.get_object(), "id")), text_at(one.get_object(), "name")});
        }
        if (page.size() < PageOfStored) return all;
    }
}

Result<std::vector<SecretId>> AgentVault::store(const SecureBytes& key, std::span<const NewKey> wanted) {
    json::array listed;
    for (const NewKey& one : wanted) {
        json::object entry = owner_json(one.owner);
        entry["name"] = one.name;
        if (!one.readers.empty()) entry["readers"] = to_json(one.readers);
        listed.push_back(std::move(entry));
    }
    const json::object answer = TRY(call("POST", "store", body_with(std::move(listed)), &key));
    std::vector<SecretId> ids;
    for (const json::value& id : *TRY(list_at(answer, "secrets", wanted.size()))) {
        if (!id.is_string()) return odd_answer();
        ids.emplace_back(std::string(id.get_string()));
    }
    return ids;
}

Result<std::vector<Result<void>>> AgentVault::confirm(const SecureBytes& key, std::span<const KeyUse> keys) {
    const json::object answer = TRY(call("POST", "confirm", body_with(to_json(keys)), &key));
    std::vector<Result<void>> answers;
    for (const json::value& one : *TRY(list_at(answer, "answers", keys.size()))) answers.push_back(answer_from(one));
    return answers;
}

Result<void> AgentVault::grant(std::span<const KeyUse> keys) {
    TRY(call("POST", "grant", body_with(to_json(keys))));
    return {};
}

Result<std::vector<KeyState>> AgentVault::look(std::span<const KeyUse> keys) {
    const json::object answer = TRY(call("POST", "look", body_with(to_json(keys))));
    std::vector<KeyState> states;
    for (const json::value& one : *TRY(list_at(answer, "states", keys.size()))) states.push_back(TRY(state_from(one)));
    return states;
}

Result<void> AgentVault::remove(const SecretId& id) {
    TRY(call("POST", "remove", {{"id", id.str()}}));
    return {};
}

}  // namespace sallyport::cli
