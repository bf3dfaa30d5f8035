#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "migration/oslo_config.h"

// Answers questions, one a line: kind, group, name, path..., between tabs. One line each: "none", "value HEX",
// "values HEX...", "true", "false", a number, or "error MESSAGE".
namespace {

using namespace sallyport;

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> words(1);
    for (const char c : line) {
        if (c == '\t') {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    return words;
}

Result<std::string> answer(const std::vector<std::string>& question) {
    const std::string& kind = question[0];
    const std::string& group = question[1];
    const std::string& name = question[2];
    const std::vector<std::string> paths(question.begin() + 3, question.end());
    static std::vector<std::string> last_paths;
    static std::optional<Result<migration::OsloConfig>> last;
    if (!last || paths != last_paths) last.emplace(migration::OsloConfig::read(paths));
    last_paths = paths;
    if (!*last) return last->error();
    const migration::OsloConfig& config = **last;
    if (kind == "texts") {
        std::string line = "values";
        for (const std::string& text : TRY(config.texts(group, name))) line += " " + to_hex(bytes_of(text));
        return line;
    }
    if (kind == "boolean") {
        const auto value = TRY(config.boolean(group, name));
        return std::string(!value ? "none" : *value ? "true" : "false");
    }
    if (kind == "integer") {
        const auto value = TRY(config.integer(group, name));
        return value ? std::to_string(*value) : "none";
    }
    const auto value = TRY(config.text(group, name));
    return value ? "value " + to_hex(bytes_of(*value)) : "none";
}

}  // namespace

int main() {
    if (!open_secure_arena({.insecure_allow_unlocked_memory = true})) return 1;
    std::ios::sync_with_stdio(false);
    std::string line;
    while (std::getline(std::cin, line)) {
        const auto found = answer(split(line));
        std::cout << (found ? *found : "error " + found.error().message) << '\n';
    }
    return 0;
}
