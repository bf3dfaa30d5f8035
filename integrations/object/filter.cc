#include "integrations/object/filter.h"

#include <algorithm>
#include <utility>

#include "integrations/object/byte_range.h"
#include "integrations/object/conditional.h"
#include "integrations/object/listing.h"
#include "integrations/object/metadata_limits.h"
#include "integrations/object/names.h"
#include "integrations/object/sealed_value.h"
#include "integrations/object/text.h"
#include "keymanager/base/log.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::object {
namespace {

bool is_success(int status) { return status >= 200 && status < 300; }

/// These carry the object's headers. Swift leaves out 416, and answers garbage headers under a rotated secret.
bool carries_object_headers(int status) {
    return is_success(status) || status == 304 || status == 412 || status == 416;
}

bool is_crypto_header(std::string_view name) {
    return starts_with_no_case(name, CryptoSysmetaPrefix) || starts_with_no_case(name, CryptoTransientPrefix);
}

Answer logged(const Error& error, Answer answer) {
    log_error("object request failed: {} {}", error.message, error.detail);
    return is_passing(error) ? swift_answer(503) : answer;
}

/// Which of Swift's answers a failure to get at keys becomes.
Answer key_failure(const Error& error) {
    // Not at hand yet: whoever asks for it says what came of that.
    if (error.code == Code::Unavailable) return swift_answer(503);
    return logged(error, error.code == Code::NotFound ? cannot_decrypt_object() : cannot_retrieve_keys());
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// True if a header of this value would end early, or make another one (RFC 9110, section 5.5).
bool breaks_header(std::string_view value) { return value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos; }

/// The user metadata of a request by the names under which they are stored, in the order of the request; repeated ones
/// joined.
std::vector<Headers::Entry> user_metadata(const Headers& headers) {
    std::vector<Headers::Entry> found;
    for (const auto& [header, value] : headers) {
        if (!starts_with_no_case(header, UserMetaPrefix)) continue;
        const std::string name = title_case(std::string_view(header).substr(UserMetaPrefix.size()));
        const auto same =
            std::find_if(found.begin(), found.end(), [&](const auto& entry) { return entry.first == name; });
        if (same == found.end()) {
            found.emplace_back(name, value);
        } else {
            same->second.append(",").append(value);
        }
    }
    return found;
}

/// Crypto meta of one header; nothing if the header is missing.
Result<std::optional<CryptoMeta>> meta_in(const Headers& headers, std::string_view name) {
    const std::string* header = headers.find(name);
    if (header == nullptr) return {std::nullopt};
    CryptoMeta meta = TRY(crypto_meta_from_header(*header));
    return {std::move(meta)};
}

/// Unseals the headers of a stored object, each with the keys under which it was sealed.
class HeaderDecryption {
public:
    HeaderDecryption(const ObjectKeys& put_keys, const ObjectKeys& post_keys, bool unseal_listing_etag)
        : put_keys_(put_keys), post_keys_(post_keys), unseal_listing_etag_(unseal_listing_etag) {}

    Result<Headers> apply(const Headers& stored) {
        TRY(unseal_etags(stored));
        TRY(unseal_metadata(stored));
        // What was decrypted wins over a clear header of the same name.
        for (const auto& [name, value] : stored) {
            const bool replaced = clear_.has(name);
            if (!replaced && !is_crypto_header(name)) rest_.add(name, value);
        }
        for (const auto& [name, value] : clear_) rest_.add(name, value);
        return std::move(rest_);
    }

private:
    Result<void> unseal_etags(const Headers& stored) {
        const std::string* etag = stored.find(CryptoEtag);
        if (etag != nullptr && !etag->empty()) {
            std::string md5 = TRY(unsealed(*etag, put_keys_.object));
            // Garbage (another root secret under this id) must not become a header. Swift sends it.
            if (!is_printable(md5)) return Error{Code::WrongKey, "the ETag decrypts to garbage", {}};
            clear_.add("Etag", std::move(md5));
        }
        const std::string* listing_etag = stored.find(ListingEtag);
        if (!unseal_listing_etag_ || listing_etag == nullptr || listing_etag->empty()) return {};
        const SealedValue sealed = TRY(split_sealed(*listing_etag));
        if (!sealed.meta) return {};
        std::string clear = TRY(unseal(sealed, put_keys_.container));
        return add(std::string(ListingEtag), std::move(clear));
    }

    /// A value that has to be sealed.
    static Result<std::string> unsealed(std::string_view value, const SecureBytes& key) {
        const SealedValue sealed = TRY(split_sealed(value));
        return unseal(sealed, key);
    }

    Result<void> unseal_metadata(const Headers& stored) {
        for (const auto& [name, value] : stored) {
            if (!starts_with_no_case(name, SealedMetaPrefix) || value.empty()) continue;
            const std::string_view short_name = std::string_view(name).substr(SealedMetaPrefix.size());
            std::string clear = TRY(unsealed(value, post_keys_.object));
            TRY(add(std::string(UserMetaPrefix).append(short_name), std::move(clear)));
        }
        return {};
    }

    Result<void> add(std::string name, std::string value) {
        if (breaks_header(value)) return Error{Code::WrongKey, "a header decrypts to control characters", name};
        clear_.add(std::move(name), std::move(value));
        return {};
    }

    const ObjectKeys& put_keys_;
    const ObjectKeys& post_keys_;
    const bool unseal_listing_etag_;
    Headers clear_;
    Headers rest_;
};

/// The stream for the body of `response`, by its Content-Type and Content-Range.
Result<DecryptStream> body_stream(const ResponseHead& response, const CryptoMeta& meta, const ObjectKeys& keys) {
    SecureBytes body_key = TRY(unwrap_body_key(meta, keys.object));
    const crypto::CounterBlock iv = TRY(checked_iv(meta));
    if (response.status == 206) {
        auto boundary = TRY(multipart_boundary(response.headers.value_or("Content-Type", "")));
        if (boundary) return DecryptStream::multipart(std::move(body_key), iv, *std::move(boundary));
    }
    const std::string* range = response.headers.find("Content-Range");
    const std::uint64_t offset = range == nullptr ? 0 : TRY(offset_of_content_range(*range));
    return DecryptStream::whole_or_range(std::move(body_key), iv, offset);
}

/// True if something in a response's headers was encrypted, the body included.
bool is_encrypted(const Headers& headers) {
    return std::any_of(headers.begin(), headers.end(), [](const Headers::Entry& header) {
        const bool sealed_etag =
            equal_no_case(header.first, ListingEtag) && header.second.find("swift_meta") != std::string::npos;
        return sealed_etag || is_crypto_header(header.first);
    });
}

/// Whether the keys of the metadata are those of the body, as they are unless a POST came after the PUT; or nothing
/// needs them.
bool shares_keys(const std::optional<CryptoMeta>& body, const std::optional<CryptoMeta>& metadata,
                 const Headers& headers) {
    if (!metadata) {
        return std::none_of(headers.begin(), headers.end(), [](const Headers::Entry& header) {
            return starts_with_no_case(header.first, SealedMetaPrefix) && !header.second.empty();
        });
    }
    if (!body || !body->key_id || !metadata->key_id) return false;
    return body->key_id->has_value() && metadata->key_id->has_value() &&
           body->key_id->value() == metadata->key_id->value();
}

bool is_json(const Headers& headers) {
    const std::string type = headers.value_or("Content-Type", "");
    return trimmed(std::string_view(type).substr(0, type.find(';'))) == "application/json";
}

}  // namespace

Answer cannot_retrieve_keys() {
    Answer answer = text_answer(500, "Unable to retrieve encryption keys.");
    answer.head.headers.set("Content-Type", "text/html; charset=UTF-8");
    return answer;
}

Answer cannot_decrypt_object() { return text_answer(500, "Error decrypting object"); }

Answer cannot_decrypt_header() { return text_answer(500, "Error decrypting header"); }

std::optional<Answer> ObjectFilter::on_request_head(RequestHead& request) {
    const auto target = parse_target(request.target);
    if (!target) return std::nullopt;  // not a path of the object API: none of our business
    path_ = target->path;
    method_ = request.method;
    request.headers.remove_if(is_crypto_header);
    if (!path_.is_object()) return std::nullopt;
    if (!is_utf8(path_.object_path())) return text_answer(412, "Invalid UTF8 or contains NULL");
    if (method_ == "PUT" && !options_.disable_encryption) return begin_put(request);
    if (method_ == "POST" && !options_.disable_encryption) return begin_post(request);
    if (method_ == "GET" || method_ == "HEAD") {
        const auto masked = mask_conditional_tags(request, path_, secrets_);
        if (!masked) return key_failure(masked.error());
    }
    return std::nullopt;
}

std::optional<Answer> ObjectFilter::begin_put(RequestHead& request) {
    if (auto refused = begin_post(request)) return refused;
    if (const std::string* etag = request.headers.find("Etag")) client_etag_ = *etag;
    if (const std::string* etag = request.headers.find(ListingEtag)) listing_etag_ = *etag;
    request.headers.remove("Etag");
    encrypt_.emplace(keys_, key_id_, random_);
    return std::nullopt;
}

std::optional<Answer> ObjectFilter::begin_post(RequestHead& request) {
    if (options_.check_metadata) {
        if (auto refused = check_metadata(request.headers)) return refused;
    }
    auto keys = derive_keys(secrets_, path_);
    if (!keys) return key_failure(keys.error());
    auto key_id = key_id_to_write(secrets_, path_);
    if (!key_id) return key_failure(key_id.error());
    keys_ = *std::move(keys);
    key_id_ = *std::move(key_id);
    const auto sealed = seal_user_metadata(request);
    if (!sealed) return logged(sealed.error(), swift_answer(500));
    return std::nullopt;
}

Result<void> ObjectFilter::seal_user_metadata(RequestHead& request) {
    bool any = false;
    for (const auto& [name, value] : user_metadata(request.headers)) {
        if (value.empty()) continue;  // nothing to hide: it stays, in clear
        request.headers.remove_if([&](std::string_view header) {
            return starts_with_no_case(header, UserMetaPrefix) &&
                   title_case(header.substr(UserMetaPrefix.size())) == name;
        });
        request.headers.add(std::string(SealedMetaPrefix) + name, TRY(seal(value, keys_.object, random_)));
        any = true;
    }
    if (!any) return {};
    CryptoMeta meta;
    meta.cipher = CipherName;
    meta.key_id = key_id_;
    request.headers.set(TransientMeta, TRY(to_header(meta)));
    return {};
}

Result<void> ObjectFilter::on_request_body(std::span<std::byte> chunk) {
    if (!encrypt_) return {};
    return encrypt_->encrypt(chunk);
}

Result<void> ObjectFilter::on_request_body(std::span<const std::byte> in, std::span<std::byte> out) {
    if (encrypt_) return encrypt_->encrypt(in, out);
    std::ranges::copy(in, out.begin());
    return {};
}

std::variant<Headers, Answer> ObjectFilter::on_request_end(const Headers& others) {
    if (!encrypt_) return Headers();
    auto sealed = encrypt_->finish();
    if (!sealed) return logged(sealed.error(), swift_answer(500));
    sealed_ = *std::move(sealed);
    const std::string* other_etag = others.find("Etag");
    if (other_etag != nullptr && !other_etag->empty()) client_etag_ = *other_etag;
    const bool wrong_body = sealed_ && client_etag_ && *client_etag_ != sealed_->plaintext_md5;
    if (wrong_body) return swift_answer(422);
    auto headers = footers(others);
    if (!headers) return logged(headers.error(), swift_answer(500));
    return *std::move(headers);
}

Result<Headers> ObjectFilter::footers(const Headers& others) {
    Headers footers;
    if (sealed_) {
        footers.add("Etag", sealed_->ciphertext_md5);
        footers.add(std::string(CryptoEtag), TRY(seal(sealed_->plaintext_md5, keys_.object, random_)));
        footers.add(std::string(BodyMeta), sealed_->body_meta);
        footers.add(std::string(CryptoEtagMac), TRY(etag_mac(keys_.object, sealed_->plaintext_md5)));
    } else if (client_etag_ && !others.has("Etag")) {
        // Nothing was encrypted, so the store can check the client's ETag itself.
        footers.add("Etag", *client_etag_);
    }
    if (const std::string* other = others.find(ListingEtag)) listing_etag_ = *other;
    const std::string listed = listing_etag_.value_or(sealed_ ? sealed_->plaintext_md5 : "");
    // The MD5 of nothing tells nothing, unless it stands for a body that is not empty.
    const bool worth_sealing = !listed.empty() && (listed != crypto::Md5OfNothing || sealed_);
    if (worth_sealing) {
        footers.add(std::string(ListingEtag), TRY(seal(listed, keys_.container, random_, key_id_)));
    }
    return footers;
}

std::optional<Answer> ObjectFilter::on_response_head(ResponseHead& response) {
    if (path_.is_container()) {
        const bool is_listing = method_ == "GET" && is_success(response.status) && is_json(response.headers);
        if (is_listing) response_body_ = Body::Listing;
        return std::nullopt;
    }
    if (!path_.is_object()) return std::nullopt;
    if (encrypt_) return finish_put(response);
    if (method_ == "GET" || method_ == "HEAD") return decrypt_response(response);
    response.headers.remove_if(is_crypto_header);
    return std::nullopt;
}

std::optional<Answer> ObjectFilter::finish_put(ResponseHead& response) const {
    response.headers.remove_if(is_crypto_header);
    const std::string* etag = response.headers.find("Etag");
    const bool ours = etag != nullptr && sealed_ && without_quotes(*etag) == sealed_->ciphertext_md5;
    if (is_success(response.status) && ours) response.headers.set("Etag", sealed_->plaintext_md5);
    return std::nullopt;
}

std::optional<Answer> ObjectFilter::decrypt_response(ResponseHead& response) {
    // What was never encrypted needs no keys, so it is served without them.
    if (!carries_object_headers(response.status) || !is_encrypted(response.headers)) {
        response.headers.remove_if(is_crypto_header);
        return std::nullopt;
    }
    const auto keys_for = [this](const std::optional<CryptoMeta>& meta) -> Result<ObjectKeys> {
        if (!meta || !meta->key_id) return derive_keys(secrets_, path_);
        if (!meta->key_id->has_value()) return meta->key_id->error();
        return keys_of(secrets_, path_, meta->key_id->value());
    };
    const auto put_meta = meta_in(response.headers, BodyMeta);
    if (!put_meta) return logged(put_meta.error(), cannot_decrypt_object());
    if (*put_meta) {
        const auto iv = checked_iv(**put_meta);
        if (!iv) return logged(iv.error(), cannot_decrypt_object());
    }
    const auto put_keys = keys_for(*put_meta);
    const auto post_meta = meta_in(response.headers, TransientMeta);
    // Both are asked for before one may fail: what is missing is then known at once (GrantedKeys).
    std::optional<Result<ObjectKeys>> own_post_keys;
    if (post_meta && !shares_keys(*put_meta, *post_meta, response.headers)) own_post_keys = keys_for(*post_meta);
    if (!put_keys) return key_failure(put_keys.error());
    if (!post_meta) return logged(post_meta.error(), cannot_decrypt_object());
    if (own_post_keys && !*own_post_keys) return key_failure(own_post_keys->error());
    const ObjectKeys& post_keys = own_post_keys ? own_post_keys->value() : *put_keys;

    auto headers = HeaderDecryption(*put_keys, post_keys, options_.unseal_listing_etag).apply(response.headers);
    if (!headers) return logged(headers.error(), cannot_decrypt_header());
    if (method_ == "GET" && is_success(response.status) && *put_meta) {
        auto stream = body_stream(response, **put_meta, *put_keys);
        if (!stream) return logged(stream.error(), cannot_decrypt_object());
        decrypt_ = *std::move(stream);
        response_body_ = Body::InPlace;
    }
    response.headers = *std::move(headers);
    return std::nullopt;
}

Result<void> ObjectFilter::on_response_body(std::span<std::byte> chunk) {
    if (!decrypt_) return {};
    return decrypt_->decrypt(chunk);
}

Result<void> ObjectFilter::on_response_body(std::span<const std::byte> in, std::span<std::byte> out) {
    if (decrypt_) return decrypt_->decrypt(in, out);
    std::ranges::copy(in, out.begin());
    return {};
}

std::variant<std::string, Answer> ObjectFilter::on_listing(std::string_view body) {
    auto listing = decrypt_listing(body, path_, secrets_);
    if (!listing) return logged(listing.error(), text_answer(500, "Error decrypting container"));
    return *std::move(listing);
}

}  // namespace sallyport::object
