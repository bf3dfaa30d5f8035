#include "agent/cli/status.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "keymanager/base/bytes.h"

namespace sallyport::cli {
namespace {

/// "OK", or what the agent says is wrong.
Result<std::string> health(AgentClient& agent) {
    const api::Response response = TRY(agent.send("GET", "/healthcheck", {{"Accept", "text/plain"}}, SecureBytes()));
    std::string text(text_of(response.body.reveal()));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (response.status != 200 && response.status != 503) return error_of(response);
    return text;
}

/// "keymanager, objects, ...": what the configuration has this process do.
std::string role_names(const config::Config& config) {
    const std::vector<std::pair<config::Role, const char*>> names = {{config::Role::KeyManager, "keymanager"},
                                                                     {config::Role::Objects, "objects"},
                                                                     {config::Role::Volumes, "volumes"},
                                                                     {config::Role::Hypervisor, "hypervisor"}};
    std::string text;
    for (const auto& [role, name] : names) {
        if (config.has_role(role)) text += (text.empty() ? "" : ", ") + std::string(name);
    }
    return text;
}

/// "answers", or why it does not: the first page of a list goes all the way to the database.
std::string database_health(AgentClient& agent) {
    const auto listed = agent.send("GET", "/v1/secrets?limit=1", {{"Accept", "application/json"}}, SecureBytes());
    if (!listed) return listed.error().message;
    if (listed->status == 200) return "answers";
    if (listed->status == 401 || listed->status == 403) return "not known: this user may not list secrets";
    return error_of(*listed).message;
}

Result<void> status(CliContext& context) {
    const config::Config config = TRY(config::load_without_files(context.config_file));
    AgentClient agent = TRY(AgentClient::from_config(context));
    const auto begin = std::chrono::steady_clock::now();
    const std::string said = TRY(health(agent));
    const auto took = std::chrono::steady_clock::now() - begin;
    Record record{{"socket", config.unix_listener()->unix_path},
                  {"health", said},
                  {"answered_in_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
                  {"roles", role_names(config)},
                  {"database", config.database},
                  {"database_health", database_health(agent)}};
    // The rest is for administrators; what is above is true without it.
    const auto details = agent.call("GET", "/sallyport/v1/status");
    if (details && details->is_object()) {
        for (const auto& [name, value] : details->get_object()) record[name] = value;
    } else if (!details) {
        remark(context, "the rest is not shown: " + details.error().message);
    }
    TRY(print_record(context, record));
    if (said != "OK") context.exit_status = ExitStatus::Failed;
    return {};
}

}  // namespace

void add_status_command(CLI::App& root, CliContext& context) {
    CLI::App& verb =
        add_verb(root, context, {"status", "Is the agent running, and is it well?", "sallyport status -f json"});
    set_action(verb, context, [&context] { return status(context); });
}

}  // namespace sallyport::cli
