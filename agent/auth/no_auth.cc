#include "agent/auth/no_auth.h"

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::auth {
namespace {

/// "Admin, creator" as Barbican reads it: split at commas, trimmed, in lower case; empty words are dropped.
std::vector<std::string> roles_of(std::string_view header) {
    std::vector<std::string> roles;
    std::string role;
    const auto end_role = [&] {
        while (!role.empty() && role.back() == ' ') role.pop_back();
        if (!role.empty()) roles.push_back(role);
        role.clear();
    };
    for (const char c : header) {
        if (c == ',') {
            end_role();
        } else if (c != ' ' || !role.empty()) {
            role += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    end_role();
    return roles;
}

class NoAuth final : public Authenticator {
public:
    boost::asio::awaitable<Result<core::Caller>> authenticate(const api::Request& request, const http::Peer&) override {
        const std::string* const project = request.header("X-Project-Id");
        if (project == nullptr || project->empty()) co_return Error{Code::InvalidInput, "Missing X-Project-Id", {}};
        core::Caller caller;
        caller.project = ProjectId(*project);
        if (const std::string* const user = request.header("X-User-Id")) caller.user = UserId(*user);
        if (const std::string* const roles = request.header("X-Roles")) caller.roles = roles_of(*roles);
        if (caller.roles.empty()) caller.roles = {"admin"};
        co_return caller;
    }
};

}  // namespace

std::unique_ptr<Authenticator> make_no_auth() { return std::make_unique<NoAuth>(); }

}  // namespace sallyport::auth
