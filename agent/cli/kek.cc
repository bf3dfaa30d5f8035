#include "agent/cli/kek.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/secret_io.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/random.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t KekBytes = 32;
constexpr std::int64_t CensusPage = 1000;
/// Rows a second, unless the operator says otherwise: a few per cent of one core.
constexpr std::int64_t DefaultRate = 2000;

std::uint64_t number_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    if (value == nullptr || !value->is_number()) return 0;
    return value->to_number<std::uint64_t>();
}

std::string text_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<json::object> call(AgentClient& agent, std::string_view method, const std::string& target,
                          const std::optional<json::value>& body = std::nullopt) {
    json::value answer = TRY(agent.call(method, target, body));
    if (!answer.is_object()) return Error{Code::Internal, "the agent's answer is no JSON object", {}};
    return std::move(answer.get_object());
}

/// Every KEK, counted: the pages of the agent put together.
Result<json::object> census(AgentClient& agent) {
    std::optional<json::object> all;
    std::string after;
    do {
        json::object page =
            TRY(call(agent, "GET", fmt::format("/sallyport/v1/keks?limit={}&after={}", CensusPage, after)));
        after = text_at(page, "next");
        if (!all) {
            all = std::move(page);
            continue;
        }
        for (const char* member : {"total", "retired", "unreadable"}) {
            (*all)[member] = number_at(*all, member) + number_at(page, member);
        }
        json::array& keys = all->at("master_keys").as_array();
        const json::array& more = page.at("master_keys").as_array();
        for (std::size_t i = 0; i < keys.size() && i < more.size(); ++i) {
            json::object& key = keys[i].as_object();
            key["project_keks"] = number_at(key, "project_keks") + number_at(more[i].as_object(), "project_keks");
        }
    } while (!after.empty());
    all->erase("next");
    return *std::move(all);
}

/// What still needs a master key that is not the first: KEKs, and the canary.
std::uint64_t needed_by_old_keys(const json::object& all) {
    std::uint64_t needed = 0;
    const json::array& keys = all.at("master_keys").as_array();
    for (std::size_t i = 1; i < keys.size(); ++i) needed += number_at(keys[i].as_object(), "project_keks");
    const json::value* canary = all.if_contains("canary");
    if (canary != nullptr && canary->is_number() && number_at(all, "canary") != 0) ++needed;
    return needed;
}

Result<void> status(CliContext& context) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    json::object all = TRY(census(agent));
    all["needed_by_old_keys"] = needed_by_old_keys(all);
    return print_record(context, all);
}

// rotate

struct RotateOptions {
    std::string project;
    bool all = false;
};

Result<void> rotate(CliContext& context, const RotateOptions& options) {
    if (options.project.empty() != options.all) return wrong_usage(context, "either --project ID or --all");
    AgentClient agent = TRY(AgentClient::from_config(context));
    if (!options.all) {
        const json::object made =
            TRY(call(agent, "POST", "/sallyport/v1/keks/rotate", json::object{{"project", options.project}}));
        return print_record(context, {{"project", options.project}, {"kek", text_at(made, "kek")}});
    }
    std::uint64_t changed = 0;
    std::string after;
    do {
        const json::object page =
            TRY(call(agent, "POST", "/sallyport/v1/keks/rotate", json::object{{"after", after}, {"limit", 50}}));
        changed += number_at(page, "changed");
        after = text_at(page, "next");
    } while (!after.empty());
    return print_record(context, {{"projects", changed}});
}

// rewrap

struct RewrapOptions {
    std::int64_t rate = DefaultRate;
    bool payloads = false;
};

struct Progress {
    std::uint64_t examined = 0;
    std::uint64_t changed = 0;
    std::uint64_t unreadable = 0;
};

/// Pages of a tenth of a second's worth, and a pause after each for what is left of that tenth. What was rewrapped
/// before is passed over without one.
Result<Progress> rewrap_all(CliContext& context, AgentClient& agent, std::string_view what, std::int64_t rate) {
    constexpr std::int64_t PagesASecond = 10;
    const std::int64_t limit = rate == 0 ? CensusPage : std::clamp<std::int64_t>(rate / PagesASecond, 1, CensusPage);
    const bool shows = !context.quiet && ::isatty(STDERR_FILENO) == 1;
    Progress progress;
    std::string after;
    do {
        const auto begun = std::chrono::steady_clock::now();
        const json::object page = TRY(call(agent, "POST", "/sallyport/v1/keks/rewrap",
                                           json::object{{"what", what}, {"after", after}, {"limit", limit}}));
        progress.examined += number_at(page, "examined");
        progress.changed += number_at(page, "changed");
        progress.unreadable += number_at(page, "unreadable");
        after = text_at(page, "next");
        if (shows) std::cerr << fmt::format("\r{}: {} seen, {} rewrapped", what, progress.examined, progress.changed);
        if (rate > 0 && !after.empty()) {
            const double seconds = static_cast<double>(number_at(page, "changed")) / static_cast<double>(rate);
            std::this_thread::sleep_until(
                begun + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
        }
    } while (!after.empty());
    if (shows) std::cerr << '\n';
    return progress;
}

Result<void> rewrap(CliContext& context, const RewrapOptions& options) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const Progress keks = TRY(rewrap_all(context, agent, "keks", options.rate));
    TRY(call(agent, "POST", "/sallyport/v1/keks/rewrap", json::object{{"what", "canary"}}));
    Progress payloads;
    if (options.payloads) payloads = TRY(rewrap_all(context, agent, "payloads", options.rate));
    // The proof: all of it counted once more.
    const json::object all = TRY(census(agent));
    const std::uint64_t needed = needed_by_old_keys(all);
    const std::uint64_t unreadable = number_at(all, "unreadable");
    Record record{{"examined", keks.examined},
                  {"rewrapped", keks.changed},
                  {"project_keks", number_at(all, "total")},
                  {"needed_by_old_keys", needed},
                  {"unreadable", unreadable}};
    if (options.payloads) record["payloads_rewrapped"] = payloads.changed;
    if (options.payloads) record["payloads_unreadable"] = payloads.unreadable;
    TRY(print_record(context, record));
    if (needed > 0) {
        return Error{
            Code::Conflict,
            fmt::format("{} rows still need an old master key: does another node write with it? Run it again", needed),
            {}};
    }
    if (unreadable + payloads.unreadable > 0) {
        context.exit_status = ExitStatus::Partly;
        remark(context, fmt::format("{} rows open with no master key at all: sallyport kek status names them",
                                    unreadable + payloads.unreadable));
    } else if (all.at("master_keys").as_array().size() > 1) {
        remark(context, "no row needs an old master key any more: take it out of kek_files, and restart");
    }
    return {};
}

}  // namespace

Result<void> generate_kek(const std::string& path) {
    const SecureBytes bytes = TRY(crypto::random_secret(KekBytes));
    const SecureBytes text = TRY(to_base64_secure(bytes, Base64Alphabet::UrlSafe));
    TRY(write_secret(text, path, false));
    if (::chmod(path.c_str(), S_IRUSR) == 0) return {};
    return Error{Code::Io, fmt::format("{}: cannot set its mode to 0400", path), {}};
}

void add_kek_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "kek", "Master keys, and the projects' key-encryption keys under them");
    CLI::App& status_verb = add_verb(
        noun, context, {"status", "Which master keys there are, and what needs each", "sallyport kek status -f json"});
    set_action(status_verb, context, [&context] { return status(context); });

    const auto path = std::make_shared<std::string>();
    CLI::App& generate = add_verb(noun, context,
                                  {"generate", "A new master key in a new file, mode 0400 (offline)",
                                   "sallyport kek generate /etc/sallyport/kek-2027"});
    generate.add_option("FILE", *path, "The file; one that exists is never touched")->required();
    set_action(generate, context, [path, &context]() -> Result<void> {
        TRY(generate_kek(*path));
        remark(context, *path + ": made. Copy it to a safe place, make it the first of kek_files, restart, kek rewrap");
        return {};
    });

    const auto rotate_options = std::make_shared<RotateOptions>();
    CLI::App& rotate_verb =
        add_verb(noun, context,
                 {"rotate", "A new key-encryption key for a project: what is stored from now on is under it",
                  "sallyport kek rotate --project 0123456789abcdef0123456789abcdef"});
    rotate_verb.add_option("--project", rotate_options->project, "The project")->type_name("ID");
    rotate_verb.add_flag("--all", rotate_options->all, "Every project that has one");
    set_action(rotate_verb, context, [rotate_options, &context] { return rotate(context, *rotate_options); });

    const auto options = std::make_shared<RewrapOptions>();
    CLI::App& rewrap_verb =
        add_verb(noun, context,
                 {"rewrap",
                  "Wrap every project's key under the first master key, while the agent serves; proves at the end "
                  "that the others are not needed",
                  "sallyport kek rewrap --rate 500\n  sallyport kek rewrap --payloads"});
    rewrap_verb
        .add_option("--rate", options->rate, "Rows rewrapped a second at most; 0: as fast as it goes (default 2000)")
        ->check(CLI::Range(0, 1000000));
    rewrap_verb.add_flag("--payloads", options->payloads,
                         "Also encrypt payloads under retired project keys anew, under the active ones");
    set_action(rewrap_verb, context, [options, &context] { return rewrap(context, *options); });
}

}  // namespace sallyport::cli
