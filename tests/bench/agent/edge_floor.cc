// What our own edge costs by itself: reads each request as the REST door does, makes one brief (or pooled) call that
// does nothing, answers 32 constant bytes. edge_floor PORT [THREADS] [brief|pool|none]
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "agent/http/server.h"
#include "agent/lanes/edge_threads.h"
#include "agent/lanes/lane.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/secure_bytes.h"

namespace {

using namespace sallyport;
namespace asio = boost::asio;

asio::awaitable<void> answer(http::Exchange& exchange, lanes::Lane& lane, std::string_view how) {
    auto body = co_await exchange.read_whole_body(25000);
    if (!body) co_return;
    const auto call = [] { return SecureBytes::copy_of(bytes_of("0123456789abcdef0123456789abcdef")); };
    Result<SecureBytes> payload = SecureBytes();
    if (how == "pool") {
        payload = co_await lane.run(call);
    } else if (how == "brief") {
        payload = co_await lane.run_brief(call);
    } else {
        payload = call();
    }
    if (!payload) co_return;
    const http::ResponseHead head{200, {{"Content-Type", "application/octet-stream"}}};
    (void)co_await exchange.respond(head, payload->reveal());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || !open_secure_arena({.bytes = 4 * 1024 * 1024})) return 2;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const std::string_view how = argc > 3 ? argv[3] : "brief";
    lanes::EdgeThreads edge({.loops = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 0});
    lanes::Lane lane({.name = "keys", .threads = 2, .queue = 1000});
    http::Server server(edge, {.name = "floor", .host_href = {}, .limits = {}},
                        [&lane, how](http::Exchange& exchange) { return answer(exchange, lane, how); });
    if (!server.listen(http::TcpListen{"127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1])), {}})) return 1;
    edge.start();
    server.start();
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop(std::chrono::seconds(5));
    lane.drain();
}
