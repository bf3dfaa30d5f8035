#pragma once

#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "keymanager/api/http_message.h"
#include "keymanager/base/assert.h"
#include "keymanager/base/error.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::api {

/// Text that may hold part of a secret for a moment (a refused body is quoted in the refusal): in the secure arena.
using SecureText = std::pmr::string;
inline SecureText secure_text(std::string_view text = {}) { return SecureText(text, secure_memory_resource()); }

/// Why a request is not served, as the client will read it.
struct Rejection {
    int status;
    std::optional<SecureText> description;  ///< absent: Barbican's null
    std::vector<Header> headers;
};

inline Rejection reject(int status, std::string_view description, std::vector<Header> headers = {}) {
    return Rejection{status, secure_text(description), std::move(headers)};
}

/// What the key manager said no to, in Barbican's words for the operation ("Secret retrieval"): the one table from Code
/// to status. Faults of ours are logged here.
Rejection reject(const Error& error, std::string_view operation, std::string_view request_id);

/// A value or a Rejection, with the member names of Result, so that TRY serves both.
template <class T>
class [[nodiscard]] Checked {
public:
    Checked(T value) : state_(std::in_place_index<0>, std::move(value)) {}                  // NOLINT
    Checked(Rejection rejection) : state_(std::in_place_index<1>, std::move(rejection)) {}  // NOLINT

    explicit operator bool() const noexcept { return state_.index() == 0; }
    T& operator*() & { return *value_or_stop(); }
    T&& operator*() && { return std::move(*value_or_stop()); }
    T* operator->() { return value_or_stop(); }
    Rejection&& error() && {
        SALLYPORT_ASSERT(state_.index() == 1);  // callers ask operator bool first
        return std::move(*std::get_if<1>(&state_));
    }
    const Rejection& error() const& {
        SALLYPORT_ASSERT(state_.index() == 1);  // as above
        return *std::get_if<1>(&state_);
    }

private:
    T* value_or_stop() {
        SALLYPORT_ASSERT(state_.index() == 0);  // callers ask operator bool first
        return std::get_if<0>(&state_);
    }
    std::variant<T, Rejection> state_;
};

template <>
class [[nodiscard]] Checked<void> {
public:
    Checked() = default;
    Checked(Rejection rejection) : rejection_(std::move(rejection)) {}  // NOLINT(google-explicit-constructor)

    explicit operator bool() const noexcept { return !rejection_; }
    void operator*() const {}
    Rejection&& error() && {
        SALLYPORT_ASSERT(rejection_.has_value());  // callers ask operator bool first
        return std::move(*rejection_);
    }

private:
    std::optional<Rejection> rejection_;
};

}  // namespace sallyport::api
