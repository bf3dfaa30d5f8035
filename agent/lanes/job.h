#pragma once

#include <type_traits>
#include <utility>

#include "keymanager/base/result.h"

namespace sallyport::lanes {

/// A call on its way: executed once, on whatever thread, then its coroutine is resumed. Owned by that coroutine.
class Job {
public:
    virtual ~Job() = default;
    virtual void execute() noexcept = 0;
    /// Resumes the coroutine on its own executor, from any thread. The job is gone afterwards.
    virtual void resume() noexcept = 0;
    /// Resumes the coroutine on this very thread, which must be the one that runs its executor now.
    virtual void resume_here() noexcept = 0;

    Job* next = nullptr;  ///< for the queue that holds it
};

template <class T>
struct Flattened {
    using type = Result<T>;
};
template <class T>
struct Flattened<Result<T>> {
    using type = Result<T>;
};
/// What a call of F gives: Result<T> for a function of T, void or Result<T>.
template <class F>
using ResultOf = typename Flattened<std::invoke_result_t<F&>>::type;

template <class F>
ResultOf<F> call_flat(F& fn) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        fn();
        return {};
    } else {
        return fn();
    }
}

}  // namespace sallyport::lanes
