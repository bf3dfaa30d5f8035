#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "agent/objects/client_rules.h"
#include "agent/objects/store.h"
#include "integrations/object/filter.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::objects {

struct LegOptions {
    object::FilterOptions filter{};
    bool verify_reads = false;  ///< log an error when a whole object is not what its sealed ETag says
};

/// One request through the filter to the store, and the answer back: the bytes that a client sends go in at one end,
/// the store's answer comes out, decrypted. A COPY has two of them. Belongs to one coroutine.
///
///     start → pass_on … → finish → read_on …
///
/// Encryption runs where it stands: a piece costs less than handing it to another thread and back would for small ones,
/// and large ones are read from the client no faster than they are encrypted.
class Leg {
public:
    Leg(Store& store, const object::RootSecrets& secrets, object::RequestHead head, object::ObjectPath path,
        const LegOptions& options = {});
    /// For what is no path of the object API: nothing is encrypted.
    Leg(Store& store, object::RequestHead head) : store_(store), head_(std::move(head)) {}

    /// Afterwards `answer` may be set: the request ends there.
    asio::awaitable<Result<void>> start(bool has_body);
    /// The next bytes of the body; they are used up.
    asio::awaitable<Result<void>> pass_on(std::span<std::byte> piece);
    /// Afterwards either `answer` is set or `response`, and the body is read with read_on().
    asio::awaitable<Result<void>> finish();
    /// For a request without a body, of which the store's answer is wanted as it is: start() and finish(), and
    /// `response` has all that the store said.
    asio::awaitable<Result<void>> start_raw();
    /// The next bytes of the answer's body; 0 at its end.
    asio::awaitable<Result<std::size_t>> read_on(std::span<std::byte> into);
    /// The body of a listing: all of it, decrypted. Error: `TooLarge`.
    asio::awaitable<Result<void>> finish_listing(ListingFormat format, std::span<std::byte> buffer);
    asio::awaitable<void> close();

    /// The store's object has an encrypted body; known after finish().
    bool is_encrypted() const { return is_encrypted_; }
    bool store_has_answered() const { return call_ && call_->is_answered(); }
    const object::RequestHead& head() const { return head_; }

    std::optional<object::Answer> answer;  ///< the whole answer, where it is known as a whole
    object::ResponseHead response;

private:
    void verify(std::span<const std::byte> piece);

    Store& store_;
    std::optional<object::ObjectFilter> filter_;
    object::RequestHead head_;
    object::ObjectPath path_;
    std::unique_ptr<StoreCall> call_;
    bool is_encrypted_ = false;
    bool verifies_ = false;
    bool encrypts_ = false;
    std::optional<crypto::Md5> md5_;  ///< of the plaintext that was read, where that is verified
};

}  // namespace sallyport::objects
