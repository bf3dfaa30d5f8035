#include "agent/cli/completion.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace sallyport::cli {
namespace {

/// One level of the command line: the words that lead to it and those that may follow.
struct Level {
    std::string path;  ///< "sallyport volume"
    std::vector<const CLI::App*> commands;
    std::vector<std::string> options;  ///< "--format", "-f"
};

void collect_options(const CLI::App& app, std::vector<std::string>& names) {
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    }
}

void collect(const CLI::App& app, const std::string& path, std::vector<Level>& levels) {
    Level level{path, {}, {}};
    collect_options(app, level.options);
    for (const CLI::App* child : app.get_subcommands(nullptr)) {
        if (child->get_name().empty()) {
            collect_options(*child, level.options);  // an option group: its options belong to this level
        } else if (!child->get_group().empty()) {
            level.commands.push_back(child);
        }
    }
    levels.push_back(level);
    for (const CLI::App* child : level.commands) collect(*child, path + " " + child->get_name(), levels);
}

std::string words_of(const Level& level) {
    std::vector<std::string> words;
    for (const CLI::App* command : level.commands) words.push_back(command->get_name());
    words.insert(words.end(), level.options.begin(), level.options.end());
    return fmt::format("{}", fmt::join(words, " "));
}

/// The words typed so far that are no options, longest known path first; then files, for the arguments of verbs.
std::string bash_script(const std::vector<Level>& levels) {
    std::string cases;
    for (const Level& level : levels)
        cases += fmt::format("        '{}') words='{}' ;;\n", level.path, words_of(level));
    return "_sallyport() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} path=sallyport next words='' i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        next=\"$path ${COMP_WORDS[i]}\"\n"
           "        if _sallyport_words \"$next\"; then path=$next; fi\n"
           "    done\n"
           "    _sallyport_words \"$path\"\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
           "}\n"
           "_sallyport_words() {\n"
           "    case $1 in\n" +
           cases +
           "        *) return 1 ;;\n"
           "    esac\n"
           "}\n"
           "complete -o default -F _sallyport sallyport\n";
}

std::string zsh_script(const std::vector<Level>& levels) {
    return "#compdef sallyport\nautoload -U +X bashcompinit && bashcompinit\n" + bash_script(levels);
}

std::string fish_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return quoted + "'";
}

std::string fish_script(const std::vector<Level>& levels) {
    std::string script =
        "function __sallyport_at\n"
        "    set -l words (commandline -opc | string match -v -- '-*')\n"
        "    test \"$words\" = \"$argv[1]\"\n"
        "end\n"
        "function __sallyport_under\n"
        "    set -l words (commandline -opc | string match -v -- '-*')\n"
        "    string match -q -- \"$argv[1]*\" \"$words\"\n"
        "end\n";
    for (const Level& level : levels) {
        for (const CLI::App* command : level.commands) {
            script += fmt::format("complete -c sallyport -f -n \"__sallyport_at '{}'\" -a {} -d {}\n", level.path,
                                  command->get_name(), fish_quoted(command->get_description()));
        }
        for (const std::string& option : level.options) {
            const bool is_long = option.starts_with("--");
            script += fmt::format("complete -c sallyport -n \"__sallyport_under '{}'\" {} {}\n", level.path,
                                  is_long ? "-l" : "-s", option.substr(is_long ? 2 : 1));
        }
    }
    return script;
}

}  // namespace

void add_completion_command(CLI::App& root, CliContext& context) {
    const auto shell = std::make_shared<std::string>();
    CLI::App& verb = add_verb(root, context,
                              {"completion", "A completion script for the shell",
                               "sallyport completion bash > /usr/share/bash-completion/completions/sallyport"});
    verb.add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    set_action(verb, context, [shell, &root]() -> Result<void> {
        std::vector<Level> levels;
        collect(root, "sallyport", levels);
        std::cout << (*shell == "bash"  ? bash_script(levels)
                      : *shell == "zsh" ? zsh_script(levels)
                                        : fish_script(levels));
        return {};
    });
}

}  // namespace sallyport::cli
