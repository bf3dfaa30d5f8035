#include "integrations/object/sealed_value.h"

#include <algorithm>
#include <utility>

#include "integrations/object/head.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::object {
namespace {

constexpr std::string_view MetaParameter = "swift_meta";

Bytes copied(std::string_view text) {
    const auto bytes = bytes_of(text);
    return Bytes(bytes.begin(), bytes.end());
}

/// Takes what stands before the next ";" that is not inside quotes, and drops that ";".
std::string_view take_parameter(std::string_view& rest) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest.size(); ++end) {
        const bool escaped = end > 0 && rest[end - 1] == '\\';
        if (rest[end] == '"' && !escaped) quoted = !quoted;
        if (rest[end] == ';' && !quoted) break;
    }
    const std::string_view parameter = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return trimmed(parameter);
}

/// Removes the quotes of a quoted-string and the backslashes in it (RFC 9110, section 5.6.4).
std::string unquoted(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
    value = value.substr(1, value.size() - 2);
    std::string plain;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const bool escape = value[i] == '\\' && i + 1 < value.size() && (value[i + 1] == '\\' || value[i + 1] == '"');
        if (escape) ++i;
        plain.push_back(value[i]);
    }
    return plain;
}

}  // namespace

Result<std::string> seal(std::string_view value, const SecureBytes& key, RandomSource& random,
                         std::optional<KeyId> key_id) {
    const crypto::CounterBlock iv = TRY(random.draw_iv());
    auto stream = TRY(crypto::AesCtr::create(key, iv));
    Bytes text = copied(value);
    TRY(stream.apply(text));
    CryptoMeta meta;
    meta.cipher = CipherName;
    meta.iv = Bytes(iv.begin(), iv.end());
    if (key_id) meta.key_id = *std::move(key_id);
    return to_base64(text) + "; " + std::string(MetaParameter) + "=" + TRY(to_header(meta));
}

Result<SealedValue> split_sealed(std::string_view value) {
    SealedValue sealed;
    std::string_view rest = value;
    sealed.ciphertext = take_parameter(rest);
    std::optional<std::string> header;
    while (!rest.empty()) {
        const std::string_view parameter = take_parameter(rest);
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos) continue;
        if (!equal_no_case(trimmed(parameter.substr(0, equals)), MetaParameter)) continue;
        header = unquoted(trimmed(parameter.substr(equals + 1)));
    }
    if (!header) return sealed;
    CryptoMeta meta = TRY(crypto_meta_from_header(*header));
    if (!meta.empty) sealed.meta = std::move(meta);
    return sealed;
}

Result<std::string> unseal(const SealedValue& sealed, const SecureBytes& key) {
    if (!sealed.meta) return Error{Code::Corrupt, "a sealed value has no crypto meta", {}};
    const crypto::CounterBlock iv = TRY(checked_iv(*sealed.meta));
    auto bytes = from_base64(sealed.ciphertext, Base64Alphabet::Standard, Base64Strictness::Lenient);
    if (!bytes) return Error{Code::Corrupt, "a sealed value is not base64", {}};
    auto stream = TRY(crypto::AesCtr::create(key, iv));
    TRY(stream.apply(*bytes));
    return std::string(text_of(*bytes));
}

}  // namespace sallyport::object
