#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <utility>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::auth {

/// The event loop of all tests here: it outlives every client, whose kept connections belong to it.
inline boost::asio::io_context& test_loop() {
    static boost::asio::io_context loop;
    return loop;
}

/// Runs a coroutine to its end.
template <class T>
T run_coroutine(boost::asio::awaitable<T> coroutine) {
    std::optional<T> answer;
    boost::asio::co_spawn(
        test_loop(),
        [&]() -> boost::asio::awaitable<void> {
            T value = co_await std::move(coroutine);
            answer.emplace(std::move(value));
        },
        boost::asio::detached);
    test_loop().restart();
    test_loop().run();
    return *std::move(answer);
}

}  // namespace sallyport::auth
