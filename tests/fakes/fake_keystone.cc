#include "tests/fakes/fake_keystone.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace sallyport::fakes {
namespace {

std::string reply(int status, const std::string& body, const std::string& headers = "") {
    return fmt::format("HTTP/1.1 {} x\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}", status,
                       headers, body.size(), body);
}

std::string error_reply(int status, const std::string& title) {
    return reply(status, fmt::format(R"({{"error":{{"code":{},"message":"{}","title":"{}"}}}})", status, title, title));
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

std::string token_body(const FakeKeystone::Token& token) {
    std::string roles;
    for (const std::string& role : token.roles) {
        roles += fmt::format(R"({}{{"id":"role-{}","name":"{}"}})", roles.empty() ? "" : ",", role, role);
    }
    std::string scope;
    if (!token.project.empty()) {
        scope = fmt::format(R"("project":{{"id":"{}","name":"p","domain":{{"id":"default","name":"Default"}}}},)",
                            token.project);
    }
    if (token.is_system) scope += R"("system":{"all":true},)";
    return fmt::format(R"({{"token":{{"methods":["password"],"user":{{"id":"{}","name":"u",)"
                       R"("domain":{{"id":"default","name":"Default"}},"password_expires_at":null}},{}"roles":[{}],)"
                       R"("expires_at":"{}","issued_at":"2026-01-01T00:00:00.000000Z","audit_ids":["x"]}}}})",
                       token.user, scope, roles, token.expires_at);
}

}  // namespace

FakeKeystone::FakeKeystone() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    if (listener_ < 0 || ::bind(listener_, generic, length) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &length) != 0) {
        std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { take_connections(); });
}

FakeKeystone::~FakeKeystone() {
    stop();
    for (std::thread& thread : threads_) thread.join();
}

std::string FakeKeystone::url() const { return fmt::format("http://127.0.0.1:{}/v3", port_); }

void FakeKeystone::add_token(const std::string& token, const Token& facts) {
    const std::lock_guard lock(mutex_);
    tokens_[token] = facts;
}

void FakeKeystone::revoke(const std::string& token) {
    const std::lock_guard lock(mutex_);
    tokens_.erase(token);
}

void FakeKeystone::revoke_account_tokens() {
    const std::lock_guard lock(mutex_);
    account_tokens_.clear();
}

void FakeKeystone::break_with(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    broken_status_ = status;
    broken_body_ = std::move(body);
}

void FakeKeystone::hold() {
    const std::lock_guard lock(mutex_);
    is_held_ = true;
}

void FakeKeystone::release() {
    const std::lock_guard lock(mutex_);
    is_held_ = false;
    changed_.notify_all();
}

void FakeKeystone::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (is_stopped_) return;
        is_stopped_ = true;
        changed_.notify_all();
        for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
}

int FakeKeystone::validations() const {
    const std::lock_guard lock(mutex_);
    return validations_;
}

int FakeKeystone::log_ins() const {
    const std::lock_guard lock(mutex_);
    return log_ins_;
}

void FakeKeystone::wait_until_held(int questions) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ >= questions; });
}

std::string FakeKeystone::last_log_in() const {
    const std::lock_guard lock(mutex_);
    return last_log_in_;
}

void FakeKeystone::take_connections() {
    while (true) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock(mutex_);
        if (connection < 0 || is_stopped_) {
            if (connection >= 0) ::close(connection);
            return;
        }
        connections_.push_back(connection);
        threads_.emplace_back([this, connection] { serve(connection); });
    }
}

void FakeKeystone::serve(int connection) {
    std::string input;
    const auto read_more = [&] {
        char buffer[4096];
        const ssize_t n = ::read(connection, buffer, sizeof buffer);
        if (n > 0) input.append(buffer, static_cast<std::size_t>(n));
        return n > 0;
    };
    bool is_open = true;
    while (is_open) {
        std::size_t end = input.find("\r\n\r\n");
        while (end == std::string::npos && (is_open = read_more())) end = input.find("\r\n\r\n");
        if (!is_open) break;

        Question question;
        const std::size_t line_end = input.find("\r\n");
        const std::size_t blank = input.find(' ');
        question.method = input.substr(0, blank);
        question.target = input.substr(blank + 1, input.find(' ', blank + 1) - blank - 1);
        for (std::size_t at = line_end + 2; at < end;) {
            const std::size_t stop = input.find("\r\n", at);
            const std::size_t colon = input.find(':', at);
            const std::size_t value = input.find_first_not_of(' ', colon + 1);
            question.headers[lower(input.substr(at, colon - at))] = input.substr(value, stop - value);
            at = stop + 2;
        }
        const std::string length = question.headers["content-length"];
        const std::size_t body = length.empty() ? 0 : std::stoul(length);
        while (input.size() < end + 4 + body && (is_open = read_more())) {
        }
        if (!is_open) break;
        question.body = input.substr(end + 4, body);
        input.erase(0, end + 4 + body);

        const std::string output = answer(question);
        is_open = !output.empty() && ::send(connection, output.data(), output.size(), MSG_NOSIGNAL) > 0;
    }
    const std::lock_guard lock(mutex_);
    std::erase(connections_, connection);
    ::close(connection);
}

std::string FakeKeystone::answer(const Question& question) {
    std::unique_lock lock(mutex_);
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !is_held_ || is_stopped_; });
    --held_;
    if (is_stopped_) return {};
    if (broken_status_ != 0) return reply(broken_status_, broken_body_);
    if (!question.target.starts_with("/v3/auth/tokens")) return error_reply(404, "Not Found");
    return question.method == "POST" ? log_in(question) : validate(question);
}

std::string FakeKeystone::log_in(const Question& question) {
    ++log_ins_;
    last_log_in_ = question.body;
    if (question.body.find("\"" + account_password + "\"") == std::string::npos)
        return error_reply(401, "Unauthorized");
    const std::string token = fmt::format("account-token-{}", log_ins_);
    account_tokens_[token] = true;
    Token facts;
    facts.user = "account";
    facts.expires_at = account_expires;
    return reply(201, token_body(facts), "X-Subject-Token: " + token + "\r\n");
}

std::string FakeKeystone::validate(const Question& question) {
    ++validations_;
    const auto header = [&question](const char* name) {
        const auto found = question.headers.find(name);
        return found == question.headers.end() ? std::string() : found->second;
    };
    if (!account_tokens_.contains(header("x-auth-token"))) return error_reply(401, "Unauthorized");
    const auto found = tokens_.find(header("x-subject-token"));
    if (found == tokens_.end()) return error_reply(404, "Not Found");
    const bool allow_expired = question.target.find("allow_expired=1") != std::string::npos;
    if (found->second.is_expired && !allow_expired) return error_reply(404, "Not Found");
    return reply(200, token_body(found->second));
}

}  // namespace sallyport::fakes
