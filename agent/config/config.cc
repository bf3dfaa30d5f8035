#include "agent/config/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace sallyport::config {

bool TcpAddress::is_loopback() const {
    // A name that only looks like 127.0.0.1 may resolve to anything; "localhost" may not (RFC 6761, section 6.3).
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
    in6_addr v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
    return host == "localhost";
}

std::string TcpAddress::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

const Listener* Config::unix_listener() const {
    const auto found =
        std::find_if(listen.begin(), listen.end(), [](const Listener& door) { return !door.unix_path.empty(); });
    return found == listen.end() ? nullptr : &*found;
}

bool Config::has_role(Role role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }

std::string Problem::text() const {
    return line == 0 ? fmt::format("{}: {}", file, message) : fmt::format("{}:{}: {}", file, line, message);
}

}  // namespace sallyport::config
