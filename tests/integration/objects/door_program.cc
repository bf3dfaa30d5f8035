#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "agent/http/server.h"
#include "agent/lanes/edge_threads.h"
#include "agent/objects/object_door.h"
#include "integrations/object/directory.h"
#include "keymanager/base/codec.h"

// door_program FOLDER PORT SECRET_HEX: the object door alone, as a process that a test can kill. Ends on SIGTERM.

namespace {

using namespace sallyport;

Result<void> run(const std::string& folder, std::uint16_t port, const Bytes& secret) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    lanes::EdgeThreads edge({.loops = 1});
    lanes::Lane lane({.name = "objects", .threads = 4, .queue = 1024});
    const auto source = [&secret]() -> Result<object::RootSecrets> {
        std::vector<object::RootSecrets::Entry> entries;
        entries.push_back({ "", TRY(SecureBytes::copy_of(secret)) });
        return object::RootSecrets::create(std::move(entries), "");
    };
    auto upstream = TRY(object::make_directory_upstream({folder}));
    objects::ObjectDoor door(objects::make_lane_store(std::move(upstream), lane), source, lane);
    const http::ServerConfig config{.name = "objects", .host_href = "", .limits = objects::door_limits({})};
    http::Server server(edge, config, door.handler());
    TRY(server.listen(http::TcpListen{"127.0.0.1", port, std::nullopt}));
    edge.start();
    server.start();
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop(std::chrono::seconds(10));
    lane.drain();
    edge.stop();
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const auto opened = open_secure_arena({.bytes = 16 * 1024 * 1024, .insecure_allow_unlocked_memory = true});
    const auto secret = from_hex(argv[3]);
    if (!opened || !secret) return 2;
    const auto done = run(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])), *secret);
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return done ? 0 : 1;
}
