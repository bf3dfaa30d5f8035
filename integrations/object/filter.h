#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "integrations/object/decrypt_stream.h"
#include "integrations/object/encrypt_stream.h"
#include "integrations/object/head.h"
#include "integrations/object/key_source.h"
#include "integrations/object/object_keys.h"
#include "integrations/object/random_source.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

struct FilterOptions {
    /// PUT and POST pass untouched; whatever is encrypted is still decrypted, and conditional requests still masked.
    bool disable_encryption = false;
    /// Whether on_request_head refuses metadata over Swift's limits (400). False where Swift itself has looked, by the
    /// limits of its own configuration.
    bool check_metadata = true;
    /// Whether on_response_head unseals the listing's etag of an object: filters to the left of Swift's need it,
    /// clients never see it.
    bool unseal_listing_etag = true;
};

/// One request's way through the encryption, without sockets: bodies and headers are handed in and come out changed.
/// It stands where Swift's own filter stands (right of everything that reads or makes object content) and leaves in the
/// store, byte for byte, what that would have left.
///
///     on_request_head → on_request_body … → on_request_end → [the store] → on_response_head → on_response_body …
///
/// Wherever an Answer comes back instead of going on, the client gets that, and the store must not keep anything of the
/// request. One object serves one request, on one thread at a time; `secrets` and `random` must outlive it.
class ObjectFilter {
public:
    ObjectFilter(const KeySource& secrets, RandomSource& random, FilterOptions options = {})
        : secrets_(secrets), random_(random), options_(options) {}
    ObjectFilter(const ObjectFilter&) = delete;
    ObjectFilter& operator=(const ObjectFilter&) = delete;

    /// Makes the client's request into the store's: seals user metadata, masks conditional tags, takes off the client's
    /// ETag. Crypto headers that came with the request are dropped, whoever sent them.
    std::optional<Answer> on_request_head(RequestHead& request);

    /// Encrypts the next bytes of the body in place.
    Result<void> on_request_body(std::span<std::byte> chunk);
    /// The same from memory to other memory of that size.
    Result<void> on_request_body(std::span<const std::byte> in, std::span<std::byte> out);

    /// After the body's last byte: the headers that are only known now, to be stored together with the object and over
    /// its headers of the same name. An Answer (422) if the body is not the one whose MD5 the client announced.
    /// `others`: what other filters want to store in the same way (an ETag to check, a listing's etag).
    std::variant<Headers, Answer> on_request_end(const Headers& others = {});

    /// Makes the store's response head into the client's: unseals ETag and metadata, drops crypto headers.
    std::optional<Answer> on_response_head(ResponseHead& response);

    /// What has to happen to the response's body.
    enum class Body {
        Unchanged,
        InPlace,  ///< each chunk goes through on_response_body; lengths do not change
        Listing,  ///< the whole body goes through on_listing; its length changes
    };
    Body response_body() const { return response_body_; }

    Result<void> on_response_body(std::span<std::byte> chunk);
    Result<void> on_response_body(std::span<const std::byte> in, std::span<std::byte> out);
    std::variant<std::string, Answer> on_listing(std::string_view body);

private:
    std::optional<Answer> begin_put(RequestHead& request);
    std::optional<Answer> begin_post(RequestHead& request);
    Result<void> seal_user_metadata(RequestHead& request);
    Result<Headers> footers(const Headers& others);

    std::optional<Answer> finish_put(ResponseHead& response) const;
    std::optional<Answer> decrypt_response(ResponseHead& response);

    const KeySource& secrets_;
    RandomSource& random_;
    FilterOptions options_;

    std::string method_;
    ObjectPath path_;

    ObjectKeys keys_;
    KeyId key_id_;
    std::optional<EncryptStream> encrypt_;
    std::optional<std::string> client_etag_;
    std::optional<std::string> listing_etag_;
    std::optional<EncryptStream::Sealed> sealed_;

    Body response_body_ = Body::Unchanged;
    std::optional<DecryptStream> decrypt_;
};

/// The answers of a filter that failed; the words are Swift's.
Answer cannot_retrieve_keys();
Answer cannot_decrypt_object();
Answer cannot_decrypt_header();

}  // namespace sallyport::object
