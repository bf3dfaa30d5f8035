#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "keymanager/base/assert.h"
#include "keymanager/base/error.h"

namespace sallyport {

/// A value or an Error, with the member names of std::expected (C++23).
/// Asking for the value of a failure, or the error of a success, is a broken invariant and stops the process.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& value() & { return *checked(); }
    const T& value() const& { return *checked(); }
    T&& value() && { return std::move(*checked()); }
    T& operator*() & { return *checked(); }
    const T& operator*() const& { return *checked(); }
    T&& operator*() && { return std::move(*checked()); }
    T* operator->() { return checked(); }
    const T* operator->() const { return checked(); }

    template <class U>
    T value_or(U&& fallback) && {
        return has_value() ? std::move(*checked()) : static_cast<T>(std::forward<U>(fallback));
    }

    const Error& error() const& {
        SALLYPORT_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }
    Error&& error() && {
        SALLYPORT_ASSERT(!has_value());
        return std::move(*std::get_if<1>(&state_));
    }

private:
    T* checked() {
        SALLYPORT_ASSERT(has_value());
        return std::get_if<0>(&state_);
    }
    const T* checked() const {
        SALLYPORT_ASSERT(has_value());
        return std::get_if<0>(&state_);
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool has_value() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const { SALLYPORT_ASSERT(has_value()); }
    void operator*() const { value(); }

    const Error& error() const& {
        SALLYPORT_ASSERT(!has_value());
        return *error_;
    }
    Error&& error() && {
        SALLYPORT_ASSERT(!has_value());
        return std::move(*error_);
    }

private:
    std::optional<Error> error_;
};

}  // namespace sallyport

/// `Kek kek = TRY(repository.kek_for(project));` leaves the function with the error, or yields the value.
/// Not for coroutines: g++ 12 crashes on a co_await inside (write the two steps out there).
/// One may stand inside another (a lambda in the argument of a call): each has a variable of its own.
#define TRY(expression) SALLYPORT_TRY(expression, __COUNTER__)
#define SALLYPORT_TRY(expression, unique) SALLYPORT_TRY_NAMED(expression, unique)
#define SALLYPORT_TRY_NAMED(expression, unique)                                                      \
    __extension__({                                                                                  \
        auto&& sallyport_try_result_##unique = (expression);                                         \
        if (!sallyport_try_result_##unique) return std::move(sallyport_try_result_##unique).error(); \
        *std::move(sallyport_try_result_##unique);                                                   \
    })
