#include "agent/objects/care.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <set>
#include <utility>

#include "agent/objects/copy_rules.h"
#include "agent/objects/leg.h"
#include "integrations/object/names.h"
#include "integrations/object/rewrap.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::objects {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t PieceSize = 128 * 1024;
constexpr int ListingPage = 200;
constexpr std::uint64_t AccountPage = 1000;
const std::string NoPrefix;

/// What one object's turn came to.
using Visit = asio::awaitable<Result<void>>;

std::string target_of(const object::ObjectPath& path) {
    std::string target = "/v1/" + object::percent_encoded(path.account);
    if (!path.container.empty()) target += "/" + object::percent_encoded(path.container);
    if (!path.object.empty()) target += "/" + object::percent_encoded(path.object, "/");
    return target;
}

/// A walk over names, and what is done with each.
class Walk {
public:
    Walk(Store& store, const object::RootSecrets& secrets, const CareScope& scope, CarePlace from,
         Clock::time_point deadline)
        : store_(store), secrets_(secrets), scope_(scope), place_(std::move(from)), deadline_(deadline) {}
    virtual ~Walk() = default;
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    asio::awaitable<Result<CareStep>> run() {
        if (!scope_.container.empty()) place_.container = scope_.container;
        for (;;) {
            if (place_.container.empty() || container_done_) {
                if (!scope_.container.empty() && container_done_) co_return std::move(step_);
                const object::ObjectPath account{scope_.account, {}, {}};
                Result<std::vector<std::string>> containers =
                    co_await names(account, place_.container, NoPrefix, AccountPage);
                if (!containers) co_return containers.error();
                if (containers->empty()) co_return std::move(step_);
                place_ = {containers->front(), {}};
                container_done_ = false;
            }
            const object::ObjectPath container{scope_.account, place_.container, {}};
            Result<std::vector<std::string>> objects =
                co_await names(container, place_.object, scope_.prefix, ListingPage);
            if (!objects) co_return objects.error();
            container_done_ = objects->empty();
            for (std::string& name : *objects) {
                const object::ObjectPath path{scope_.account, place_.container, name};
                const Result<void> visited = co_await visit(path);
                if (!visited) co_return visited.error();
                ++step_.objects;
                place_.object = std::move(name);
                if (Clock::now() < deadline_) continue;
                step_.next = place_;
                co_return std::move(step_);
            }
        }
    }

protected:
    virtual Visit visit(const object::ObjectPath& path) = 0;

    object::RequestHead request(std::string method, const object::ObjectPath& path, std::string_view query) const {
        object::RequestHead head{std::move(method), target_of(path) + std::string(query), {}, std::nullopt};
        if (!scope_.token.empty()) head.headers.add("X-Auth-Token", scope_.token);
        return head;
    }

    void fault(const object::ObjectPath& path, std::string what) {
        step_.faults.push_back({path.container + "/" + path.object, std::move(what)});
    }

    Store& store_;
    const object::RootSecrets& secrets_;
    const CareScope& scope_;
    CareStep step_;

private:
    /// The names after `marker`, as the store lists them.
    asio::awaitable<Result<std::vector<std::string>>> names(const object::ObjectPath& where, const std::string& marker,
                                                            const std::string& prefix, std::uint64_t most) {
        std::string query = "?format=json&limit=" + std::to_string(most) + "&marker=" + object::form_quoted(marker);
        if (!prefix.empty()) query += "&prefix=" + object::form_quoted(prefix);
        Leg leg(store_, request("GET", where, query));
        std::string text;
        Result<void> done = co_await leg.start(false);
        if (done) done = co_await leg.finish();
        while (done) {
            const Result<std::size_t> read = co_await leg.read_on(buffer_);
            if (!read) done = read.error();
            if (!read || *read == 0) break;
            text.append(text_of(std::span(buffer_).first(*read)));
        }
        co_await leg.close();
        if (!done) co_return done.error();
        if (leg.response.status / 100 != 2) co_return refusal(leg.response.status, where);
        std::vector<std::string> found;
        if (text.empty()) co_return found;
        json::error_code failed;
        const json::value listing = json::parse(text, failed);
        if (failed || !listing.is_array()) co_return Error{Code::Corrupt, "the store's listing is no JSON array", {}};
        for (const json::value& entry : listing.get_array()) {
            const json::value* name = entry.is_object() ? entry.get_object().if_contains("name") : nullptr;
            if (name != nullptr && name->is_string()) found.emplace_back(name->get_string());
        }
        co_return found;
    }

    static Error refusal(int status, const object::ObjectPath& where) {
        const std::string what = fmt::format("the store answers {} for {}", status, target_of(where));
        if (status == 401 || status == 403) return {Code::Forbidden, what + ": give a token that may read it", {}};
        if (status == 404) return {Code::NotFound, what, {}};
        return {Code::Unavailable, what, {}};
    }

    CarePlace place_;
    bool container_done_ = false;
    const Clock::time_point deadline_;

protected:
    std::vector<std::byte> buffer_ = std::vector<std::byte>(PieceSize);
};

bool is_link_or_large(const object::Headers& headers) {
    return headers.has("X-Symlink-Target") || headers.has("X-Object-Manifest") ||
           object::equal_no_case(headers.value_or("X-Static-Large-Object", ""), "true");
}

// A link's own headers, not those of what it points to; a manifest, not what it stands for.
constexpr std::string_view AsItIs = "?symlink=get&multipart-manifest=get";

class Verification final : public Walk {
public:
    using Walk::Walk;

private:
    Visit visit(const object::ObjectPath& path) override {
        Leg leg(store_, secrets_, request("GET", path, AsItIs), path);
        const Result<void> done = co_await read(leg, path);
        co_await leg.close();
        co_return done;
    }

    Visit read(Leg& leg, const object::ObjectPath& path) {
        Result<void> done = co_await leg.start(false);
        if (done) done = co_await leg.finish();
        if (!done) co_return done;
        if (leg.answer && leg.answer->head.status == 501) {
            ++step_.skipped;
            co_return done;
        }
        if (leg.answer) {
            fault(path, leg.answer->body);
            co_return done;
        }
        // It has gone since it was listed.
        if (leg.response.status == 404) co_return done;
        if (leg.response.status != 200) {
            fault(path, fmt::format("the store answers {}", leg.response.status));
            co_return done;
        }
        if (leg.response.headers.has("X-Symlink-Target")) {
            ++step_.skipped;
            co_return done;
        }
        Result<crypto::Md5> md5 = crypto::Md5::create();
        std::uint64_t bytes = 0;
        while (md5) {
            const Result<std::size_t> got = co_await leg.read_on(buffer_);
            if (!got) {
                fault(path, got.error().message);
                co_return done;
            }
            if (*got == 0) break;
            bytes += *got;
            const Result<void> hashed = md5->update(std::span(buffer_).first(*got));
            if (!hashed) co_return hashed.error();
        }
        if (!md5) co_return md5.error();
        step_.bytes += bytes;
        if (!leg.is_encrypted() && bytes > 0) ++step_.clear;
        const Result<std::string> sum = md5->hex();
        if (!sum) co_return sum.error();
        const std::string etag = leg.response.headers.value_or("Etag", "");
        if (object::without_quotes(etag) != *sum) {
            fault(path, fmt::format("its MD5 is {}, its ETag says {}", *sum, etag));
        }
        co_return done;
    }
};

class Rekeying final : public Walk {
public:
    using Walk::Walk;

private:
    Visit visit(const object::ObjectPath& path) override {
        Leg leg(store_, request("HEAD", path, AsItIs));
        Result<void> done = co_await leg.start_raw();
        const object::ResponseHead stored = leg.response;
        co_await leg.close();
        if (!done || stored.status == 404) co_return done;
        if (stored.status != 200) {
            fault(path, fmt::format("the store answers {}", stored.status));
            co_return done;
        }
        if (is_link_or_large(stored.headers)) {
            ++step_.skipped;
            co_return done;
        }
        const auto used = object::secrets_in_use(stored.headers);
        if (used) {
            for (const std::string& id : *used) ++step_.secrets[id];
            if (used->empty() && stored.headers.value_or("Content-Length", "0") != "0") ++step_.clear;
        }
        const auto changed = object::rewrapped(stored.headers, path, secrets_, object::system_random());
        if (!changed) {
            fault(path, changed.error().message);
            co_return done;
        }
        if (!*changed) co_return done;
        if (store_.can_replace_headers()) co_return co_await replace(path, stored, **changed);
        co_return co_await rewrite(path, stored);
    }

    Visit replace(const object::ObjectPath& path, const object::ResponseHead& stored, const object::Headers& changed) {
        object::Headers seen;
        for (const auto& [name, value] : changed) {
            if (const std::string* before = stored.headers.find(name)) seen.add(name, *before);
        }
        const Result<bool> replaced = co_await store_.replace_headers(path, seen, changed);
        if (!replaced) co_return replaced.error();
        ++(*replaced ? step_.changed : step_.passed);
        co_return Result<void>();
    }

    Visit rewrite(const object::ObjectPath& path, const object::ResponseHead& stored) {
        Leg from(store_, secrets_, request("GET", path, AsItIs), path);
        const Result<void> done = co_await rewrite_from(from, path, stored);
        co_await from.close();
        co_return done;
    }

    Visit rewrite_from(Leg& from, const object::ObjectPath& path, const object::ResponseHead& stored) {
        const std::string read_at = stored.headers.value_or("X-Timestamp", "");
        const Result<std::string> written_at = moment_after(read_at);
        if (!written_at) co_return written_at.error();
        Result<void> done = co_await from.start(false);
        if (done && !from.answer) done = co_await from.finish();
        if (!done) co_return done;
        if (from.answer) {
            fault(path, from.answer->body);
            co_return done;
        }
        // What was looked at is not what is read: somebody was quicker, and has written under the active secret.
        if (from.response.status != 200 || from.response.headers.value_or("X-Timestamp", "") != read_at) {
            ++step_.passed;
            co_return done;
        }
        const auto length = object::parse_number(from.response.headers.value_or("Content-Length", ""));
        if (!length) {
            fault(path, "the store does not say how long it is");
            co_return done;
        }
        Copy copy;
        copy.put = request("PUT", path, "");
        copy.put.headers.add("X-Timestamp", *written_at);
        copy.put.body_length = *length;
        add_source_headers(copy, from.response);
        Leg to(store_, secrets_, std::move(copy.put), path);
        done = co_await to.start(true);
        while (done && !to.answer && !to.store_has_answered()) {
            const Result<std::size_t> got = co_await from.read_on(buffer_);
            if (!got) done = got.error();
            if (!got || *got == 0) break;
            step_.bytes += *got;
            done = co_await to.pass_on(std::span(buffer_).first(*got));
        }
        if (done && !to.answer) done = co_await to.finish();
        co_await to.close();
        if (!done) co_return done;
        if (to.answer) {
            fault(path, to.answer->body);
        } else if (to.response.status == 201) {
            ++step_.changed;
        } else if (to.response.status == 202 || to.response.status == 409) {
            ++step_.passed;  // a newer one is there
        } else {
            fault(path, fmt::format("the store answers {} to its rewriting", to.response.status));
        }
        co_return done;
    }
};

}  // namespace

asio::awaitable<Result<CareStep>> ObjectCare::verify(const object::RootSecrets& secrets, const CareScope& scope,
                                                     CarePlace from, std::chrono::milliseconds within) {
    Verification walk(store_, secrets, scope, std::move(from), Clock::now() + within);
    Result<CareStep> step = co_await walk.run();
    co_return step;
}

asio::awaitable<Result<CareStep>> ObjectCare::rekey(const object::RootSecrets& secrets, const CareScope& scope,
                                                    CarePlace from, std::chrono::milliseconds within) {
    Rekeying walk(store_, secrets, scope, std::move(from), Clock::now() + within);
    Result<CareStep> step = co_await walk.run();
    co_return step;
}

Result<std::string> moment_after(const std::string& timestamp) {
    const Error corrupt{Code::Corrupt, "the store's X-Timestamp is no time: " + timestamp, {}};
    constexpr std::size_t Digits = 5;
    const auto dot = timestamp.find('.');
    if (dot == std::string::npos || timestamp.size() != dot + 1 + Digits) return corrupt;
    const auto ticks = object::parse_number(timestamp.substr(0, dot) + timestamp.substr(dot + 1));
    if (!ticks) return corrupt;
    return fmt::format("{}.{:05}", (*ticks + 1) / 100'000, (*ticks + 1) % 100'000);
}

}  // namespace sallyport::objects
