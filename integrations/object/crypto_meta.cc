#include "integrations/object/crypto_meta.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "integrations/object/text.h"
#include "keymanager/base/codec.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

Error bad_meta(std::string_view why) { return Error{Code::Corrupt, "bad crypto meta: " + std::string(why), {}}; }

/// `"name": <value>` into an object under construction; callers add members in the order of their names.
void append_member(std::string& object, std::string_view name, std::string_view value) {
    if (object.size() > 1) object.append(", ");
    object.append("\"").append(name).append("\": ").append(value);
}

std::string base64_text(const Bytes& bytes) { return "\"" + to_base64(bytes) + "\""; }

std::string_view version_text(MetaVersion version) {
    switch (version) {
        case MetaVersion::V1: return "\"1\"";
        case MetaVersion::V2: return "\"2\"";
        case MetaVersion::V3: return "\"3\"";
    }
    return {};
}

Result<std::string> json_of(const KeyId& key_id) {
    std::string object = "{";
    append_member(object, "path", TRY(json_ascii(key_id.path)));
    if (!key_id.secret_id.empty()) append_member(object, "secret_id", TRY(json_ascii(key_id.secret_id)));
    append_member(object, "v", version_text(key_id.version));
    return object + "}";
}

std::string json_of(const WrappedKey& wrapped) {
    std::string object = "{";
    if (wrapped.iv) append_member(object, "iv", base64_text(*wrapped.iv));
    if (wrapped.key) append_member(object, "key", base64_text(*wrapped.key));
    return object + "}";
}

bool holds_bytes(std::string_view name) { return name == "iv" || name == "key"; }

Result<Bytes> bytes_member(const json::value& value) {
    const json::string* text = value.if_string();
    if (text == nullptr) return bad_meta("an iv or key is not text");
    auto bytes = from_base64({text->data(), text->size()}, Base64Alphabet::Standard, Base64Strictness::Lenient);
    if (!bytes) return bad_meta("an iv or key is not base64");
    return bytes;
}

/// Swift decodes every `iv` and `key` it meets, at any depth, before it looks at any of them.
Result<void> check_bytes_members(const json::object& object) {
    for (const auto& member : object) {
        if (holds_bytes(member.key())) {
            TRY(bytes_member(member.value()));
        } else if (const json::object* inner = member.value().if_object()) {
            TRY(check_bytes_members(*inner));
        }
    }
    return {};
}

/// What Python takes for false: such a key_id counts as absent.
bool counts_as_absent(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null: return true;
        case json::kind::bool_: return !value.get_bool();
        case json::kind::int64: return value.get_int64() == 0;
        case json::kind::uint64: return value.get_uint64() == 0;
        case json::kind::double_: return value.get_double() == 0;
        case json::kind::string: return value.get_string().empty();
        case json::kind::array: return value.get_array().empty();
        case json::kind::object: return value.get_object().empty();
    }
    return false;
}

Result<KeyId> parse_key_id(const json::value& value) {
    const json::object* object = value.if_object();
    if (object == nullptr) return bad_meta("key_id is not an object");
    KeyId key_id;
    const json::value* version = object->if_contains("v");
    const json::string* version_string = version == nullptr ? nullptr : version->if_string();
    if (version_string == nullptr) return bad_meta("key_id has no version");
    if (*version_string == "1") {
        key_id.version = MetaVersion::V1;
    } else if (*version_string == "2") {
        key_id.version = MetaVersion::V2;
    } else if (*version_string == "3") {
        key_id.version = MetaVersion::V3;
    } else {
        return bad_meta("key_id has an unknown version");
    }
    const json::value* path = object->if_contains("path");
    const json::string* path_string = path == nullptr ? nullptr : path->if_string();
    if (path_string == nullptr) return bad_meta("key_id has no path");
    key_id.path.assign(path_string->data(), path_string->size());
    const json::value* secret = object->if_contains("secret_id");
    if (secret == nullptr || secret->is_null()) return key_id;
    if (secret->is_object() || secret->is_array()) return bad_meta("key_id has a malformed secret_id");
    const json::string* secret_string = secret->if_string();
    // The secret with no id is written by leaving the member out; "" and numbers name secrets that nobody has.
    if (secret_string == nullptr || secret_string->empty()) return Error{Code::NotFound, "unknown root secret id", {}};
    key_id.secret_id.assign(secret_string->data(), secret_string->size());
    return key_id;
}

Result<WrappedKey> parse_wrapped_key(const json::object& object) {
    WrappedKey wrapped;
    if (const json::value* iv = object.if_contains("iv")) wrapped.iv = TRY(bytes_member(*iv));
    if (const json::value* key = object.if_contains("key")) wrapped.key = TRY(bytes_member(*key));
    return wrapped;
}

Result<CryptoMeta> parse_meta(const json::object& object) {
    TRY(check_bytes_members(object));
    CryptoMeta meta;
    meta.empty = object.empty();
    if (const json::value* cipher = object.if_contains("cipher")) {
        if (const json::string* name = cipher->if_string()) meta.cipher = std::string(name->data(), name->size());
    }
    if (const json::value* iv = object.if_contains("iv")) meta.iv = TRY(bytes_member(*iv));
    if (const json::value* body_key = object.if_contains("body_key")) {
        if (const json::object* wrapped = body_key->if_object()) meta.body_key = TRY(parse_wrapped_key(*wrapped));
    }
    const json::value* key_id = object.if_contains("key_id");
    if (key_id != nullptr && !counts_as_absent(*key_id)) meta.key_id = parse_key_id(*key_id);
    return meta;
}

}  // namespace

Result<std::string> to_header(const CryptoMeta& meta) {
    std::string object = "{";
    if (meta.body_key) append_member(object, "body_key", json_of(*meta.body_key));
    if (meta.cipher) append_member(object, "cipher", TRY(json_ascii(*meta.cipher)));
    if (meta.iv) append_member(object, "iv", base64_text(*meta.iv));
    if (meta.key_id) {
        if (!meta.key_id->has_value()) return meta.key_id->error();
        append_member(object, "key_id", TRY(json_of(meta.key_id->value())));
    }
    return form_quoted(object + "}");
}

Result<CryptoMeta> crypto_meta_from_header(std::string_view header) {
    // Two or three of these are read with every object: without the heap, unless one is larger than Swift writes it.
    std::array<unsigned char, 4096> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    json::monotonic_resource memory(room.data(), room.size());
    json::error_code failed;
    const json::value parsed = json::parse(form_unquoted(header), failed, &memory);
    if (failed) return bad_meta("not JSON");
    const json::object* object = parsed.if_object();
    if (object == nullptr) return bad_meta("not a JSON object");
    return parse_meta(*object);
}

Result<crypto::CounterBlock> counter_block(const Bytes& bytes) {
    crypto::CounterBlock block{};
    if (bytes.size() != block.size()) return bad_meta("an IV must have 16 bytes");
    std::copy(bytes.begin(), bytes.end(), block.begin());
    return block;
}

Result<crypto::CounterBlock> checked_iv(const CryptoMeta& meta) {
    if (meta.cipher != CipherName) return bad_meta("the cipher must be " + std::string(CipherName));
    if (!meta.iv) return bad_meta("no iv");
    return counter_block(*meta.iv);
}

}  // namespace sallyport::object
