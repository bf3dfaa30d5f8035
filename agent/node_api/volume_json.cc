#include "agent/node_api/volume_json.h"

#include <boost/json.hpp>

namespace sallyport::node_api {
namespace {

namespace json = boost::json;
using volume::LuksVersion;
using volume::UnlockProfile;

json::object to_json(const volume::KeySlotFacts& slot) {
    json::object object{{"number", slot.number}, {"state", "active"}, {"kdf", slot.kdf}};
    if (!slot.hash.empty()) object["hash"] = slot.hash;
    object["iterations"] = slot.iterations;
    if (slot.memory_kib != 0) {
        object["memory_kib"] = slot.memory_kib;
        object["threads"] = slot.threads;
    }
    object["key_bits"] = slot.key_bits;
    object["priority"] = slot.priority;
    return object;
}

json::object to_json(const volume::HeaderCopy& copy) {
    json::object object{{"name", copy.name}, {"offset", copy.offset}, {"state", volume::text_of(copy.state)}};
    if (copy.state == volume::HeaderCopyState::Good) object["sequence"] = copy.sequence;
    if (!copy.reason.empty()) object["reason"] = copy.reason;
    return object;
}

template <class List>
json::array to_json_array(const List& list) {
    json::array array;
    for (const auto& entry : list) array.push_back(to_json(entry));
    return array;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

Error bad_member(std::string_view name, const char* expected) {
    return {Code::InvalidInput, "'" + std::string(name) + "' must be " + expected, {}};
}

Result<std::string> text_or(const json::object& body, std::string_view name, std::string_view fallback) {
    const json::value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) return std::string(fallback);
    if (!value->is_string()) return bad_member(name, "a text");
    return std::string(value->get_string());
}

Result<unsigned> number_or(const json::object& body, std::string_view name, unsigned fallback) {
    const json::value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) return fallback;
    json::error_code failed;
    const auto number = value->is_number() ? value->to_number<unsigned>(failed) : 0;
    if (!value->is_number() || failed) return bad_member(name, "a whole number");
    return number;
}

Result<bool> flag_or(const json::object& body, std::string_view name, bool fallback) {
    const json::value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) return fallback;
    if (!value->is_bool()) return bad_member(name, "true or false");
    return value->get_bool();
}

std::string_view text_of_option(LuksVersion version) {
    switch (version) {
        case LuksVersion::Luks1: return "luks1";
        case LuksVersion::Luks2: return "luks2";
    }
    return {};
}

std::string_view text_of_option(UnlockProfile profile) {
    switch (profile) {
        case UnlockProfile::RandomKey: return "random-key";
        case UnlockProfile::Passphrase: return "passphrase";
    }
    return {};
}

}  // namespace

json::object to_json(const volume::VolumeFacts& facts) {
    json::object object{{"content", volume::text_of(facts.content)}, {"what", facts.what}, {"size", facts.size}};
    if (!facts.luks) return object;
    const volume::LuksFacts& luks = *facts.luks;
    object["luks_version"] = static_cast<int>(luks.version);
    object["cipher"] = luks.cipher;
    object["key_bits"] = luks.key_bits;
    object["strength"] = volume::strength_of(luks.cipher, luks.key_bits);
    object["sector_size"] = luks.sector_size;
    object["data_offset"] = luks.data_offset;
    object["uuid"] = luks.uuid;
    if (!luks.label.empty()) object["label"] = luks.label;
    if (!luks.subsystem.empty()) object["subsystem"] = luks.subsystem;
    if (!luks.hash.empty()) object["hash"] = luks.hash;
    object["key_slots"] = to_json_array(luks.key_slots);
    object["key_slots_total"] = luks.key_slots_total;
    object["header_copies"] = to_json_array(luks.header_copies);
    if (!luks.requirements.empty()) object["requirements"] = texts(luks.requirements);
    return object;
}

json::object to_json(const volume::Mapping& mapping) {
    return {{"name", mapping.name.str()},     {"path", mapping.path}, {"device", mapping.device.str()},
            {"type", mapping.type},           {"size", mapping.size}, {"read_only", mapping.read_only},
            {"used_by", texts(mapping.users)}};
}

Result<LuksVersion> luks_version_from(std::string_view text) {
    if (text == "luks1") return LuksVersion::Luks1;
    if (text == "luks2") return LuksVersion::Luks2;
    return bad_member("luks", "luks1 or luks2");
}

Result<UnlockProfile> unlock_profile_from(std::string_view text) {
    if (text == "random-key") return UnlockProfile::RandomKey;
    if (text == "passphrase") return UnlockProfile::Passphrase;
    return bad_member("unlock_profile", "random-key or passphrase");
}

Result<volume::FormatOptions> format_options_from(const json::object& body, UnlockProfile default_profile) {
    volume::FormatOptions options;
    const std::string version = TRY(text_or(body, "luks", text_of_option(options.version)));
    options.version = TRY(luks_version_from(version));
    options.cipher = TRY(text_or(body, "cipher", options.cipher));
    options.key_bits = TRY(number_or(body, "key_size", options.key_bits));
    options.sector_size = TRY(number_or(body, "sector_size", options.sector_size));
    const std::string profile = TRY(text_or(body, "unlock_profile", text_of_option(default_profile)));
    options.profile = TRY(unlock_profile_from(profile));
    options.label = TRY(text_or(body, "label", ""));
    options.force = TRY(flag_or(body, "force", false));
    return options;
}

json::object to_json(const volume::FormatOptions& options) {
    return {{"luks", text_of_option(options.version)},
            {"cipher", options.cipher},
            {"key_size", options.key_bits},
            {"sector_size", options.sector_size},
            {"unlock_profile", text_of_option(options.profile)},
            {"label", options.label},
            {"force", options.force}};
}

}  // namespace sallyport::node_api
