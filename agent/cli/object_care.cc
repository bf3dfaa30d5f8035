#include "agent/cli/object_care.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct CareOptions {
    std::string scope;
    std::string token_file;
    double rate = 0;  ///< MB/s; 0: as fast as it goes
    std::string after;
};

std::uint64_t number_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    return value == nullptr || !value->is_number() ? 0 : value->to_number<std::uint64_t>();
}

/// The walk as a request: the account, the container and the prefix as they are typed, with slashes between.
Result<json::object> request_of(const CareOptions& options) {
    const auto first = options.scope.find('/');
    const auto second = first == std::string::npos ? first : options.scope.find('/', first + 1);
    json::object body{{"account", options.scope.substr(0, first)}};
    if (first != std::string::npos) body["container"] = options.scope.substr(first + 1, second - first - 1);
    if (second != std::string::npos) body["prefix"] = options.scope.substr(second + 1);
    if (!options.after.empty()) {
        const auto slash = options.after.find('/');
        body["after"] = {{"container", options.after.substr(0, slash)},
                         {"object", slash == std::string::npos ? "" : options.after.substr(slash + 1)}};
    }
    if (options.token_file.empty()) return body;
    std::ifstream file(options.token_file);
    std::string token;
    if (!std::getline(file, token) || token.empty()) {
        return Error{Code::InvalidInput, options.token_file + ": no token in its first line", {}};
    }
    body["token"] = token;
    return body;
}

/// Everything that the steps of a walk came to.
struct Total {
    json::object counts;
    json::object secrets;
    json::array faults;

    void add(const json::object& step) {
        for (const char* member : {"objects", "bytes", "changed", "passed", "clear", "skipped"}) {
            counts[member] = number_at(counts, member) + number_at(step, member);
        }
        for (const auto& [id, count] : step.at("secrets").as_object()) {
            secrets[id] = number_at(secrets, id) + count.to_number<std::uint64_t>();
        }
        for (const json::value& fault : step.at("faults").as_array()) faults.push_back(fault);
    }
};

Result<Total> walk(CliContext& context, const CareOptions& options, const std::string& verb) {
    json::object body = TRY(request_of(options));
    AgentClient agent = TRY(AgentClient::from_config(context));
    const bool shows = !context.quiet && ::isatty(STDERR_FILENO) == 1;
    Total total;
    for (;;) {
        const auto begun = std::chrono::steady_clock::now();
        const auto answer = agent.call("POST", "/sallyport/v1/objects/" + verb, body);
        if (!answer) {
            Error error = answer.error();
            if (const json::value* after = body.if_contains("after")) {
                const json::object& place = after->as_object();
                error.message +=
                    fmt::format("; go on with --after '{}/{}'", std::string(place.at("container").as_string()),
                                std::string(place.at("object").as_string()));
            }
            return error;
        }
        const json::object& step = answer->as_object();
        total.add(step);
        if (shows) {
            std::cerr << fmt::format("\r{} objects, {} MB, {} changed, {} faults", number_at(total.counts, "objects"),
                                     number_at(total.counts, "bytes") / 1'000'000, number_at(total.counts, "changed"),
                                     total.faults.size());
        }
        const json::value* next = step.if_contains("next");
        if (next == nullptr) break;
        body["after"] = *next;
        if (options.rate > 0) {
            const std::chrono::duration<double> pause(static_cast<double>(number_at(step, "bytes")) / 1e6 /
                                                      options.rate);
            std::this_thread::sleep_until(begun + std::chrono::duration_cast<std::chrono::nanoseconds>(pause));
        }
    }
    if (shows) std::cerr << '\n';
    return total;
}

Result<void> report_faults(CliContext& context, const Total& total) {
    if (total.faults.empty()) return {};
    context.exit_status = ExitStatus::Partly;
    for (const json::value& fault : total.faults) {
        std::cerr << fmt::format("{}: {}\n", std::string(fault.as_object().at("object").as_string()),
                                 std::string(fault.as_object().at("what").as_string()));
    }
    return {};
}

Result<void> verify(CliContext& context, const CareOptions& options) {
    const Total total = TRY(walk(context, options, "verify"));
    TRY(print_record(context, {{"objects", number_at(total.counts, "objects")},
                               {"bytes", number_at(total.counts, "bytes")},
                               {"not_encrypted", number_at(total.counts, "clear")},
                               {"skipped", number_at(total.counts, "skipped")},
                               {"faults", total.faults.size()}}));
    return report_faults(context, total);
}

Result<void> rekey(CliContext& context, const CareOptions& options) {
    const Total total = TRY(walk(context, options, "rekey"));
    TRY(print_record(context, {{"objects", number_at(total.counts, "objects")},
                               {"rekeyed", number_at(total.counts, "changed")},
                               {"changed_meanwhile", number_at(total.counts, "passed")},
                               {"bytes_rewritten", number_at(total.counts, "bytes")},
                               {"not_encrypted", number_at(total.counts, "clear")},
                               {"skipped", number_at(total.counts, "skipped")},
                               {"found_under", total.secrets},
                               {"faults", total.faults.size()}}));
    TRY(report_faults(context, total));
    const bool all_seen = total.faults.empty() && number_at(total.counts, "skipped") == 0 && options.after.empty();
    if (number_at(total.counts, "changed") + number_at(total.counts, "passed") > 0) {
        remark(context, "run it again: when found_under names the active root secret alone, no other is used there");
    } else if (all_seen && total.secrets.size() <= 1) {
        remark(context, "nothing there needs a root secret but the active one");
    }
    return {};
}

}  // namespace

void add_object_care(CLI::App& noun, CliContext& context) {
    const auto add = [&noun, &context](const VerbText& verb, Result<void> (*run)(CliContext&, const CareOptions&)) {
        const auto options = std::make_shared<CareOptions>();
        CLI::App& command = add_verb(noun, context, verb);
        command.add_option("SCOPE", options->scope, "account, account/container or account/container/prefix")
            ->required();
        command.add_option("--token-file", options->token_file,
                           "A file with an X-Auth-Token, for a store that asks who is calling");
        command.add_option("--rate", options->rate, "At most so many MB of data a second; 0: as fast as it goes")
            ->check(CLI::NonNegativeNumber);
        command.add_option("--after", options->after, "Go on behind this container/object");
        set_action(command, context, [options, &context, run] { return run(context, *options); });
    };
    add({"verify", "Read everything: it decrypts, and to what its ETag says",
         "sallyport object verify AUTH_demo/photos"},
        &verify);
    add({"rekey", "Bring everything under the active root secret", "sallyport object rekey AUTH_demo"}, &rekey);
}

}  // namespace sallyport::cli
