#include "agent/cli/serve.h"

#include <CLI/CLI.hpp>

#include "agent/app/app.h"
#include "agent/config/config.h"

namespace sallyport::cli {

void add_serve_command(CLI::App& root, CliContext& context) {
    CLI::App& verb = add_verb(
        root, context, {"serve", "Runs the agent until SIGTERM", "sallyport serve --config /etc/sallyport/agent.yaml"});
    verb.callback([&context] {
        context.opens_arena_itself = true;
        context.action = [&context]() -> Result<void> {
            const config::Config config = TRY(config::load(context.config_file));
            return app::run_agent(config);
        };
    });
}

}  // namespace sallyport::cli
