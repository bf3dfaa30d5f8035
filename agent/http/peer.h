#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sallyport::http {

enum class Transport { Tcp, Tls, Unix };

/// Who is at the other end of a connection, as the kernel or the TLS handshake says.
struct Peer {
    /// SO_PEERCRED: the process that connected.
    struct Credentials {
        pid_t pid;
        uid_t uid;
        gid_t gid;
        std::vector<gid_t> groups = {};  ///< SO_PEERGROUPS: the supplementary groups
    };

    Transport transport = Transport::Tcp;
    std::string address;                     ///< "127.0.0.1:40522", "[::1]:40522"; "unix" on a UNIX socket
    std::optional<Credentials> credentials;  ///< on a UNIX socket
    std::string certificate_subject;         ///< RFC 2253 name of the verified client certificate; empty: none
};

}  // namespace sallyport::http
