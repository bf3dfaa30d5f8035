#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sallyport::fakes {

/// The two calls of Keystone's Identity API that the agent makes, over HTTP on loopback, with faults to order.
/// Answers have the shape of Keystone 22's. Every connection has a thread; all of them end with the fake.
class FakeKeystone {
public:
    FakeKeystone();
    ~FakeKeystone();
    FakeKeystone(const FakeKeystone&) = delete;
    FakeKeystone& operator=(const FakeKeystone&) = delete;

    /// "http://127.0.0.1:PORT/v3"
    std::string url() const;

    struct Token {
        std::string user = "user-1";
        std::string project = "project-1";  ///< empty: not scoped to one
        std::vector<std::string> roles = {"creator"};
        bool is_system = false;
        std::string expires_at = "2099-01-01T00:00:00.000000Z";
        bool is_expired = false;  ///< shown only to who asks with allow_expired
    };
    void add_token(const std::string& token, const Token& facts);
    void revoke(const std::string& token);

    std::string account_password = "labpass";                     ///< of the agent's account
    std::string account_expires = "2099-01-01T00:00:00.000000Z";  ///< of the tokens that a log-in gives
    /// Every token that a log-in has given is refused from now on.
    void revoke_account_tokens();

    /// Answers every question with this status and text; 0 ends it.
    void break_with(int status, std::string body);
    /// Takes questions, and answers none until release().
    void hold();
    void release();
    /// Gone: connections are cut, new ones refused.
    void stop();

    int validations() const;
    int log_ins() const;
    /// Returns when that many questions are held.
    void wait_until_held(int questions);
    /// The body of the last log-in.
    std::string last_log_in() const;

private:
    struct Question {
        std::string method;
        std::string target;
        std::map<std::string, std::string> headers;  ///< names in lower case
        std::string body;
    };

    void take_connections();
    void serve(int connection);
    std::string answer(const Question& question);
    std::string log_in(const Question& question);
    std::string validate(const Question& question);

    int listener_ = -1;
    std::uint16_t port_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Token> tokens_;
    std::map<std::string, bool> account_tokens_;
    std::string last_log_in_;
    std::string broken_body_;
    int broken_status_ = 0;
    int validations_ = 0;
    int log_ins_ = 0;
    int held_ = 0;
    bool is_held_ = false;
    bool is_stopped_ = false;
    std::vector<int> connections_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace sallyport::fakes
