#include "agent/migrate/service_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "agent/http/header_wiper.h"
#include "keymanager/base/bytes.h"

namespace sallyport::migrate {
namespace {

constexpr std::chrono::milliseconds Patience(60'000);

bool same_header(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

ServiceSession::ServiceSession(ServiceAccount account, http::Endpoint keystone, http::Endpoint service,
                               std::size_t connections)
    : account_(std::move(account)),
      keystone_(std::move(keystone)),
      service_(std::move(service), {.idle_connections = connections}) {}

Result<std::unique_ptr<ServiceSession>> ServiceSession::make(ServiceAccount account, http::Endpoint service,
                                                             std::size_t connections) {
    http::Endpoint keystone = TRY(http::Endpoint::parse(account.keystone_url));
    keystone.ca_file = account.keystone_ca;
    std::unique_ptr<ServiceSession> session(
        new ServiceSession(std::move(account), std::move(keystone), std::move(service), connections));
    TRY(session->log_in());
    return session;
}

Result<void> ServiceSession::log_in() {
    api::Request request;
    request.method = "POST";
    request.target = "/auth/tokens?nocatalog";
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    request.body = TRY(auth::login_body(account_.account, account_.password));
    api::Response response = TRY(keystone_.fetch(request, Patience));
    const http::HeaderWiper wiper(response.headers);
    if (response.status == 401) {
        return Error{Code::Unauthenticated,
                     fmt::format("Keystone ({}) refuses the account '{}' of [keystone_authtoken]: wrong name, domain, "
                                 "project or password",
                                 account_.keystone_url, account_.account.username),
                     {}};
    }
    if (response.status != 201) {
        return Error{Code::Unavailable,
                     fmt::format("Keystone ({}) answered a log-in with {}", account_.keystone_url, response.status),
                     {}};
    }
    const auto token = std::ranges::find_if(
        response.headers, [](const api::Header& header) { return same_header(header.first, "X-Subject-Token"); });
    if (token == response.headers.end()) {
        return Error{Code::Unavailable, fmt::format("Keystone ({}) gave no token", account_.keystone_url), {}};
    }
    const auth::TokenFacts facts = TRY(auth::token_facts_of(text_of(response.body.reveal())));
    // Written once, before anybody else has this; threads read it ever after.
    if (project_.empty()) project_ = facts.caller.project;
    token_ = std::make_shared<const SecureBytes>(TRY(SecureBytes::copy_of(bytes_of(token->second))));
    return {};
}

Result<ServiceSession::Token> ServiceSession::token_after(const Token& refused) {
    const std::lock_guard lock(mutex_);
    // Another thread may have logged in meanwhile.
    if (token_ == refused) TRY(log_in());
    return token_;
}

Result<api::Response> ServiceSession::send(std::string_view method, std::string_view target,
                                           std::vector<api::Header> headers, const SecureBytes& body) {
    Token token = TRY(token_after(nullptr));
    for (bool is_second = false;; is_second = true) {
        api::Request request;
        request.method = method;
        request.target = target;
        request.headers = headers;
        const http::HeaderWiper wiper(request.headers);
        request.headers.emplace_back("X-Auth-Token", std::string(text_of(token->reveal())));
        request.body = TRY(body.clone());
        api::Response response = TRY(service_.fetch(request, Patience));
        if (response.status != 401 || is_second) return response;
        token = TRY(token_after(token));
    }
}

}  // namespace sallyport::migrate
