#include <fmt/format.h>

#include <algorithm>

#include "migration/report.h"
#include "migration/report_words.h"

namespace sallyport::migration {
namespace {

/// Nothing in it is Markdown or HTML any more.
std::string escaped(std::string_view text) {
    constexpr std::string_view Special = "\\`*_{}[]()#+!|~<>&";
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            default:
                if (Special.find(c) != Special.npos) out += '\\';
                out += c;
        }
    }
    return out;
}

template <class Cells>
std::string row_of(const Cells& cells) {
    std::string row = "|";
    for (const auto& cell : cells) row += fmt::format(" {} |", escaped(cell));
    return row + "\n";
}

std::string table_of(const std::vector<ReportObject>& objects) {
    std::string table = row_of(Columns) + "|";
    for (std::size_t i = 0; i < Columns.size(); ++i) table += " --- |";
    table += "\n";
    const std::size_t shown = std::min(objects.size(), MostRows);
    for (std::size_t i = 0; i < shown; ++i) table += row_of(cells_of(objects[i]));
    if (shown < objects.size()) table += fmt::format("\n… and {} more (all are in the JSON)\n", objects.size() - shown);
    return table;
}

std::string states_of(const Report& report) {
    std::string head = "| state | meaning |";
    std::string line = "| --- | --- |";
    for (const Moment& moment : report.moments) {
        head += fmt::format(" {} |", moment.name);
        line += " ---: |";
    }
    std::string table = head + "\n" + line + "\n";
    for (const State state : AllStates) {
        table += fmt::format("| {} | {} |", text_of(state), meaning_of(state));
        for (const Moment& moment : report.moments) table += fmt::format(" {} |", total(moment.counts, state));
        table += "\n";
    }
    return table;
}

}  // namespace

std::string to_markdown(const Report& report) {
    std::string text = "# Off the all-zeros key\n\n";
    text += fmt::format("{}\n\n", verdict(report));
    text +=
        fmt::format("As of {}Z. Database: {} (schema {}). The key manager was {}asked.\n\n", to_iso8601(report.made_at),
                    escaped(report.database), escaped(report.revision), report.keys_were_checked ? "" : "not ");
    text += "## States\n\n" + states_of(report);
    text += "\n## What a human must look at\n\n";
    text += report.needs_human.empty() ? "Nothing.\n" : table_of(report.needs_human);
    if (!report.has_residual) return text;
    text += "\n## Residual risks\n";
    for (const ResidualRisk& risk : report.residual) {
        text += fmt::format("\n### {}: {}\n\n", risk.title, risk.objects.size());
        if (!risk.objects.empty()) text += fmt::format("{}\n\n{}\n\n{}", risk.why, risk.remedy, table_of(risk.objects));
    }
    return text;
}

}  // namespace sallyport::migration
