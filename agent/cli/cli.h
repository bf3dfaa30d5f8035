#pragma once

namespace sallyport::cli {

/// The whole program behind `sallyport`: parses the command line, opens the secure arena, runs one command.
/// Returns the process's exit status (ExitStatus). Call it once, from main, before any other thread.
int run_cli(int argc, char** argv);

}  // namespace sallyport::cli
