#include <fmt/format.h>

#include <algorithm>

#include "migration/report.h"
#include "migration/report_words.h"

namespace sallyport::migration {
namespace {

// A theme is a set of colours; the browser says which. State colours: green done, yellow to red by how much they need.
constexpr std::string_view Style = R"(
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--good:#2da44e;--old:#d4a72c;
--stored:#bf8700;--half:#fb8f44;--fresh:#54aeff;--access:#a475f9;--bad:#cf222e;--worse:#a40e26;--lost:#82071e;--dim:#8c959f}
@media(prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--soft:#8d96a0;--line:#30363d;--good:#3fb950;--old:#d29922;
--stored:#bb8009;--half:#f0883e;--fresh:#388bfd;--access:#a371f7;--bad:#f85149;--worse:#da3633;--lost:#b62324;--dim:#6e7681}}
body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
p.soft,caption,figcaption{color:var(--soft)}table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:13px}
th,td{border-bottom:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto}svg text{fill:var(--text);font-size:14px}
i.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em}figure{margin:1.5rem 0}
)";

std::string_view colour_of(State state) {
    switch (state) {
        case State::Old: return "--old";
        case State::Stored: return "--stored";
        case State::Half: return "--half";
        case State::Done: return "--good";
        case State::Foreign: return "--bad";
        case State::NeverUsed: return "--fresh";
        case State::Suspect: return "--worse";
        case State::Lost: return "--lost";
        case State::NoAccess: return "--access";
        case State::Unknown:
        case State::Ignore: break;
    }
    return "--dim";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

constexpr double BarLeft = 190;
constexpr double BarWidth = 790;
constexpr int BarStep = 52;

/// One moment: as long as all that is encrypted, cut by states.
std::string bar_of(const Moment& moment, int top) {
    std::string bar = fmt::format("<text x=\"0\" y=\"{}\">{}</text>\n", top + 22, escaped(moment.name));
    const auto all = static_cast<double>(total(moment.counts));
    double left = BarLeft;
    for (const State state : AllStates) {
        const long count = state == State::Ignore ? 0 : total(moment.counts, state);
        if (count == 0) continue;
        const double width = BarWidth * static_cast<double>(count) / all;
        bar += fmt::format(
            "<rect x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"34\" style=\"fill:var({})\"><title>{}: "
            "{}</title></rect>\n",
            left, top, width, colour_of(state), text_of(state), count);
        // A number that does not fit into its piece stands in the table only.
        const std::string number = std::to_string(count);
        if (width > 12.0 * static_cast<double>(number.size())) {
            bar +=
                fmt::format("<text x=\"{:.2f}\" y=\"{}\" text-anchor=\"middle\" style=\"fill:var(--back)\">{}</text>\n",
                            left + width / 2, top + 22, number);
        }
        left += width;
    }
    if (all == 0) bar += fmt::format("<text x=\"{}\" y=\"{}\">nothing is encrypted</text>\n", BarLeft, top + 22);
    return bar;
}

std::string picture_of(const Report& report) {
    const int height = static_cast<int>(report.moments.size()) * BarStep;
    std::string names;
    for (const Moment& moment : report.moments) names += (names.empty() ? "" : ", ") + std::string(moment.name);
    std::string picture = fmt::format(
        "<figure><svg viewBox=\"0 0 1000 {}\" role=\"img\" aria-label=\"States {}; the table below has the "
        "numbers\">\n",
        height, escaped(names));
    for (std::size_t i = 0; i < report.moments.size(); ++i) {
        picture += bar_of(report.moments[i], static_cast<int>(i) * BarStep + 4);
    }
    return picture + "</svg><figcaption>Encrypted volumes, snapshots and backups by state</figcaption></figure>\n";
}

std::string states_of(const Report& report) {
    std::string table = "<table><thead><tr><th>state</th><th>meaning</th>";
    for (const Moment& moment : report.moments) table += fmt::format("<th class=\"n\">{}</th>", escaped(moment.name));
    table += "</tr></thead><tbody>\n";
    for (const State state : AllStates) {
        table += fmt::format("<tr><td><i class=\"key\" style=\"background:var({})\"></i>{}</td><td>{}</td>",
                             colour_of(state), text_of(state), escaped(meaning_of(state)));
        for (const Moment& moment : report.moments) {
            table += fmt::format("<td class=\"n\">{}</td>", total(moment.counts, state));
        }
        table += "</tr>\n";
    }
    return table + "</tbody></table>\n";
}

std::string table_of(const std::vector<ReportObject>& objects) {
    std::string table = "<table><thead><tr>";
    for (const std::string_view column : Columns) table += fmt::format("<th>{}</th>", column);
    table += "</tr></thead><tbody>\n";
    const std::size_t shown = std::min(objects.size(), MostRows);
    for (std::size_t i = 0; i < shown; ++i) {
        table += "<tr>";
        for (const std::string& cell : cells_of(objects[i])) table += fmt::format("<td>{}</td>", escaped(cell));
        table += "</tr>\n";
    }
    table += "</tbody></table>\n";
    if (shown < objects.size()) {
        table += fmt::format("<p class=\"soft\">… and {} more (all are in the JSON)</p>\n", objects.size() - shown);
    }
    return table;
}

std::string risks_of(const Report& report) {
    std::string text = "<h2>Residual risks</h2>\n";
    for (const ResidualRisk& risk : report.residual) {
        text += fmt::format("<h3>{}: {}</h3>\n", escaped(risk.title), risk.objects.size());
        if (risk.objects.empty()) continue;
        text += fmt::format("<p>{}</p><p>{}</p>\n{}", escaped(risk.why), escaped(risk.remedy), table_of(risk.objects));
    }
    return text;
}

}  // namespace

std::string to_html(const Report& report) {
    std::string page = fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Off the all-zeros key</title>\n"
        "<style>{}</style></head><body>\n<h1>Off the all-zeros key</h1>\n<p><strong>{}</strong></p>\n",
        Style, escaped(verdict(report)));
    page += fmt::format("<p class=\"soft\">As of {}Z. Database: {} (schema {}). The key manager was {}asked.</p>\n",
                        to_iso8601(report.made_at), escaped(report.database), escaped(report.revision),
                        report.keys_were_checked ? "" : "not ");
    page += picture_of(report) + states_of(report) + "<h2>What a human must look at</h2>\n";
    page += report.needs_human.empty() ? "<p>Nothing.</p>\n" : table_of(report.needs_human);
    if (report.has_residual) page += risks_of(report);
    return page + "</body></html>\n";
}

}  // namespace sallyport::migration
