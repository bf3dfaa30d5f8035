#include "agent/auth/peer_credentials.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <optional>

#include "keymanager/base/log.h"

namespace sallyport::auth {
namespace {

namespace asio = boost::asio;

/// An entry of the configuration with names resolved. Fits nobody if neither id is there.
struct Entry {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    core::Caller caller;

    bool fits(const http::Peer::Credentials& who) const {
        if (uid) return *uid == who.uid;
        if (!gid) return false;
        return *gid == who.gid || std::find(who.groups.begin(), who.groups.end(), *gid) != who.groups.end();
    }
};

// getpwnam and getgrnam keep their answer in static memory: called before any other thread runs.
std::optional<uid_t> uid_of(const std::string& name) {
    const passwd* const user = getpwnam(name.c_str());
    if (user == nullptr) log_warning("auth.peers: this machine has no user {}, so nobody is that caller", name);
    return user == nullptr ? std::nullopt : std::optional(user->pw_uid);
}

std::optional<gid_t> gid_of(const std::string& name) {
    const group* const found = getgrnam(name.c_str());
    if (found == nullptr) log_warning("auth.peers: this machine has no group {}, so nobody is that caller", name);
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

Entry entry_of(const config::Peer& peer) {
    Entry entry;
    if (peer.uid) entry.uid = static_cast<uid_t>(*peer.uid);
    if (!peer.user.empty()) entry.uid = uid_of(peer.user);
    if (peer.gid) entry.gid = static_cast<gid_t>(*peer.gid);
    if (!peer.group.empty()) entry.gid = gid_of(peer.group);
    entry.caller.project = ProjectId(peer.project);
    entry.caller.roles = peer.roles;
    return entry;
}

class PeerCredentials final : public Authenticator {
public:
    explicit PeerCredentials(const std::vector<config::Peer>& peers) {
        for (const config::Peer& peer : peers) entries_.push_back(entry_of(peer));
    }

    asio::awaitable<Result<core::Caller>> authenticate(const api::Request&, const http::Peer& peer) override {
        if (!peer.credentials) co_return Error{Code::Unauthenticated, "not a UNIX socket", {}};
        const http::Peer::Credentials& who = *peer.credentials;
        const auto entry =
            std::find_if(entries_.begin(), entries_.end(), [&who](const Entry& one) { return one.fits(who); });
        if (entry == entries_.end()) {
            co_return Error{Code::Unauthenticated, "no entry of auth.peers fits this process",
                            fmt::format("uid {}, gid {}, pid {}", who.uid, who.gid, who.pid)};
        }
        core::Caller caller = entry->caller;
        caller.user = UserId(fmt::format("uid:{}", who.uid));
        co_return caller;
    }

private:
    std::vector<Entry> entries_;
};

}  // namespace

std::unique_ptr<Authenticator> make_peer_credentials(const std::vector<config::Peer>& peers) {
    return std::make_unique<PeerCredentials>(peers);
}

}  // namespace sallyport::auth
