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

Result<void> status(CliContext& context) {
    const config::Config config = TRY(config::load_without_files(context.config_file));
    AgentClient agent = TRY(AgentClient::from_config(context));
    const auto begin = std::chrono::steady_clock::now();
    const std::string said = TRY(health(agent));
    const auto took = std::chrono::steady_clock::now() - begin;
    TRY(print_record(context, {{"socket", config.unix_listener()->unix_path},
                               {"health", said},
                               {"answered_in_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
                               {"roles", role_names(config)},
                               {"database", config.database}}));
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
