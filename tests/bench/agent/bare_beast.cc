// What Beast costs by itself: answers 32 constant bytes to every request. bare_beast PORT [THREADS]
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <sys/socket.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto AsTuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(tcp::socket socket) {
    socket.set_option(tcp::no_delay(true));
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request<http::empty_body> request;
        const auto [read_error, received] = co_await http::async_read(socket, buffer, request, AsTuple);
        if (read_error) co_return;
        http::response<http::string_body> response(http::status::ok, request.version());
        response.set(http::field::content_type, "application/octet-stream");
        response.keep_alive(request.keep_alive());
        response.body() = "0123456789abcdef0123456789abcdef";
        response.prepare_payload();
        const auto [write_error, sent] = co_await http::async_write(socket, response, AsTuple);
        if (write_error || !request.keep_alive()) co_return;
    }
}

asio::awaitable<void> accept_all(tcp::acceptor acceptor) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(AsTuple);
        if (!error) asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

void run_loop(std::uint16_t port) {
    asio::io_context context(1);
    tcp::acceptor acceptor(context, tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true));
    acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    acceptor.listen();
    asio::co_spawn(context, accept_all(std::move(acceptor)), asio::detached);
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    const unsigned threads = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : std::thread::hardware_concurrency();
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(run_loop, port);
    run_loop(port);
}
