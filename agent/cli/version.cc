#include "agent/cli/version.h"

#include <CLI/CLI.hpp>

#include "agent/cli/output.h"

namespace sallyport::cli {

void add_version_command(CLI::App& root, CliContext& context) {
    CLI::App& verb =
        add_verb(root, context, {"version", "Which Sallyport this is", "sallyport version -f value -c version"});
    set_action(verb, context, [&context] {
        return print_record(context, {{"version", SALLYPORT_VERSION}, {"build_type", SALLYPORT_BUILD_TYPE}});
    });
}

std::string version_text() { return "sallyport " SALLYPORT_VERSION; }

}  // namespace sallyport::cli
