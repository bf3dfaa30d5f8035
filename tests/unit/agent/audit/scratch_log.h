#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "agent/audit/audit_log.h"
#include "agent/audit/verify.h"

namespace sallyport::audit::testing_ {

/// A folder with an audit log and a key, gone with the test.
class ScratchLog {
public:
    ScratchLog() {
        std::string name = "/tmp/sallyport-audit-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        std::ofstream(key()) << "a key of at least thirty-two bytes, for tests\n";
        ::chmod(key().c_str(), 0400);
    }
    ~ScratchLog() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string file() const { return folder_ + "/audit.jsonl"; }
    std::string key() const { return folder_ + "/audit.key"; }
    std::string in_folder(const std::string& name) const { return folder_ + "/" + name; }

    std::unique_ptr<AuditLog> open(WhenUnwritable choice = WhenUnwritable::Refuse) const {
        auto log = AuditLog::open({.file = file(), .key_file = key(), .when_unwritable = choice}, system_clock());
        EXPECT_TRUE(log) << log.error().message;
        return log ? *std::move(log) : nullptr;
    }

    /// A log with lines "event 1", "event 2", ..., closed.
    void write(int lines) const {
        const auto log = open();
        for (int i = 1; i <= lines; ++i) {
            const std::string name = "event " + std::to_string(i);
            EXPECT_TRUE(log->record({.name = name, .id = "an-id"}));
        }
    }

    std::vector<std::string> lines() const {
        std::ifstream in(file());
        std::vector<std::string> all;
        for (std::string line; std::getline(in, line);) all.push_back(line);
        return all;
    }
    void replace(const std::vector<std::string>& lines) const {
        std::ofstream out(file(), std::ios::trunc);
        for (const std::string& line : lines) out << line << '\n';
    }

    Verdict verify() const { return verify_with(key()); }
    Verdict verify_with(const std::string& key_file) const {
        auto chain = load_chain(key_file);
        auto verdict = verify_files(log_files(file()), *chain, {.head_file = head_path(file()), .anchor = {}});
        EXPECT_TRUE(verdict);
        return *verdict;
    }
    /// "line: what is wrong", or "whole".
    std::string judgement() const {
        const Verdict verdict = verify();
        if (!verdict.broken) return "whole";
        return std::to_string(verdict.broken->line) + ": " + verdict.broken->what;
    }

private:
    std::string folder_;
};

}  // namespace sallyport::audit::testing_
