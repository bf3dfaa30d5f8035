#include "agent/cli/audit.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/audit/audit_log.h"
#include "agent/audit/verify.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "keymanager/base/codec.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

const std::vector<std::string> TailColumns = {"seq",  "time",    "event",  "outcome",   "id",
                                              "user", "project", "source", "request_id"};
constexpr std::chrono::milliseconds FollowInterval{200};

Result<config::Audit> audit_of(const CliContext& context) {
    const config::Config config = TRY(config::load_without_files(context.config_file));
    if (config.audit) return *config.audit;
    return Error{Code::NotFound, fmt::format("{} has no section audit: nothing is audited", context.config_file), {}};
}

// tail

struct TailOptions {
    std::size_t lines = 10;
    bool follow = false;
};

Record row_of(const std::string& line) {
    json::error_code failed;
    json::value value = json::parse(line, failed);
    if (failed || !value.is_object()) return {{"event", "(not a line of an audit log)"}};
    return std::move(value.get_object());
}

ino_t inode_of(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

/// Prints each new line as it is, until the user has seen enough. A rotated file is followed into its successor.
Result<void> follow(const std::string& path, std::streamoff from) {
    std::ifstream in(path, std::ios::binary);
    in.seekg(from);
    ino_t inode = inode_of(path);
    std::string part;
    for (;;) {
        for (std::string text; std::getline(in, text);) {
            part += text;
            if (in.eof()) break;
            std::cout << part << std::endl;
            part.clear();
        }
        if (!std::cout) return {};
        in.clear();
        std::this_thread::sleep_for(FollowInterval);
        if (const ino_t now = inode_of(path); now != 0 && now != inode && in.peek() == EOF) {
            in = std::ifstream(path, std::ios::binary);
            inode = now;
        }
        in.clear();
    }
}

Result<void> tail(CliContext& context, const TailOptions& options) {
    const config::Audit audit = TRY(audit_of(context));
    std::ifstream in(audit.file, std::ios::binary);
    if (!in) return Error{Code::Io, "cannot read " + audit.file, {}};
    std::deque<std::string> last;
    std::streamoff end = 0;
    for (std::string line; std::getline(in, line) && !in.eof(); end = in.tellg()) {
        last.push_back(std::move(line));
        if (last.size() > options.lines) last.pop_front();
    }
    if (options.follow) {
        for (const std::string& line : last) std::cout << line << '\n';
        std::cout.flush();
        return follow(audit.file, end);
    }
    std::vector<Record> rows;
    for (const std::string& line : last) rows.push_back(row_of(line));
    return print_list(context, TailColumns, rows);
}

// verify

struct VerifyArguments {
    std::vector<std::string> files;
    std::string key_file;
    std::string head;
    std::string anchor;
};

/// "SEQ:MAC", as a verification before has printed it.
Result<std::optional<audit::Link>> anchor_from(CliContext& context, const std::string& text) {
    if (text.empty()) return std::optional<audit::Link>();
    audit::Link link;
    const std::size_t colon = text.find(':');
    const auto mac = colon == std::string::npos ? Result<Bytes>(Bytes()) : from_hex(text.substr(colon + 1));
    const auto [end, failed] = std::from_chars(text.data(), text.data() + std::min(colon, text.size()), link.sequence);
    if (failed != std::errc() || !mac || mac->size() != link.mac.size() || end != text.data() + colon) {
        return wrong_usage(context, "--anchor is NUMBER:MAC, as `audit verify` prints it under \"anchor\"");
    }
    std::copy(mac->begin(), mac->end(), link.mac.begin());
    return std::optional(link);
}

Result<void> verify(CliContext& context, const VerifyArguments& arguments) {
    audit::VerifyOptions options;
    options.anchor = TRY(anchor_from(context, arguments.anchor));
    std::vector<std::string> files = arguments.files;
    std::string key_file = arguments.key_file;
    options.head_file = arguments.head;
    if (files.empty()) {
        const config::Audit audit = TRY(audit_of(context));
        files = audit::log_files(audit.file);
        if (files.empty()) return Error{Code::Io, "cannot read " + audit.file, {}};
        if (key_file.empty()) key_file = audit.key_file.path;
        if (options.head_file.empty()) options.head_file = audit::head_path(audit.file);
    }
    audit::Chain chain = TRY(audit::load_chain(key_file));
    const audit::Verdict verdict = TRY(audit::verify_files(files, chain, options));
    const Record record{{"chain", verdict.broken ? "broken" : "whole"},
                        {"keyed", !key_file.empty()},
                        {"files", files.size()},
                        {"lines", verdict.lines},
                        {"first", verdict.first},
                        {"last", verdict.last.sequence},
                        {"recoveries", verdict.recoveries},
                        {"anchor", fmt::format("{}:{}", verdict.last.sequence, to_hex(verdict.last.mac))}};
    if (verdict.broken) {
        const auto& [file, line, what] = *verdict.broken;
        const std::string place = line == 0 ? file : fmt::format("{}:{}", file, line);
        return Error{Code::Corrupt, fmt::format("the audit log is broken: {}: {}", place, what), {}};
    }
    if (verdict.recoveries > 0) {
        remark(context, fmt::format("{} lines \"audit.recovered\" or \"audit.resumed\": read what they say",
                                    verdict.recoveries));
    }
    return print_record(context, record);
}

}  // namespace

void add_audit_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "audit", "Who did what to which key");
    const auto tail_options = std::make_shared<TailOptions>();
    CLI::App& tail_verb =
        add_verb(noun, context, {"tail", "The last lines of the audit log (offline)", "sallyport audit tail -n 20"});
    tail_verb.add_option("-n,--lines", tail_options->lines, "How many (default 10)")->check(CLI::Range(1, 1000000));
    tail_verb.add_flag("--follow", tail_options->follow, "Then print new lines as they come, as they are");
    set_action(tail_verb, context, [tail_options, &context] { return tail(context, *tail_options); });

    const auto arguments = std::make_shared<VerifyArguments>();
    CLI::App& verify_verb = add_verb(
        noun, context,
        {"verify", "Is the chain unbroken? Names the first line that is wrong (offline)",
         "sallyport audit verify\n  zcat audit.jsonl-*.gz | sallyport audit verify /dev/stdin --key-file audit.key"});
    verify_verb.add_option("FILE", arguments->files,
                           "Files of one chain, in any order (default: the configured one and its rotated siblings)");
    verify_verb.add_option("--key-file", arguments->key_file, "The chain's key (default: the configured one)")
        ->type_name("FILE");
    verify_verb.add_option("--head", arguments->head, "The head record (default: that of the configured log)")
        ->type_name("FILE");
    verify_verb.add_option("--anchor", arguments->anchor, "NUMBER:MAC of a line that is known to have been there")
        ->type_name("ANCHOR");
    set_action(verify_verb, context, [arguments, &context] { return verify(context, *arguments); });
}

}  // namespace sallyport::cli
