#include "agent/cli/output.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <ostream>

namespace sallyport::cli {
namespace {

using boost::json::value;

OutputFormat effective(OutputFormat format, bool terminal) {
    if (format != OutputFormat::Automatic) return format;
    return terminal ? OutputFormat::Table : OutputFormat::Json;
}

/// As `openstack` prints it: None for null, True and False, text as it is, anything nested as JSON.
std::string plain_text(const value& v) {
    if (v.is_null()) return "None";
    if (v.is_bool()) return v.get_bool() ? "True" : "False";
    if (v.is_string()) return std::string(v.get_string());
    if (v.is_array()) {
        std::string text;
        for (const value& item : v.get_array()) text += (text.empty() ? "" : ", ") + plain_text(item);
        return text;
    }
    return boost::json::serialize(v);
}

/// Names come from other people: an escape sequence in one must not reach the operator's terminal.
std::string without_control_characters(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            safe += fmt::format("\\x{:02x}", byte);
        } else {
            safe += c;
        }
    }
    return safe;
}

/// Characters, not bytes: continuation bytes of UTF-8 (RFC 3629, section 3) take no place.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

class Table {
public:
    explicit Table(std::vector<std::string> head) { add(std::move(head)); }

    void add(std::vector<std::string> cells) {
        widths_.resize(std::max(widths_.size(), cells.size()));
        for (std::size_t i = 0; i < cells.size(); ++i) {
            cells[i] = without_control_characters(cells[i]);
            widths_[i] = std::max(widths_[i], width_of(cells[i]));
        }
        lines_.push_back(std::move(cells));
    }

    void print(std::ostream& out) const {
        print_rule(out);
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            for (std::size_t j = 0; j < lines_[i].size(); ++j) {
                const std::string& cell = lines_[i][j];
                out << "| " << cell << std::string(widths_[j] - width_of(cell) + 1, ' ');
            }
            out << "|\n";
            if (i == 0) print_rule(out);
        }
        print_rule(out);
    }

private:
    void print_rule(std::ostream& out) const {
        for (const std::size_t width : widths_) out << '+' << std::string(width + 2, '-');
        out << "+\n";
    }

    std::vector<std::vector<std::string>> lines_;
    std::vector<std::size_t> widths_;
};

/// Block style, written from where the output stands in its line; `indent` is for the lines that follow.
/// Scalars as JSON writes them, which YAML reads alike (YAML 1.2, section 1.2), so "no" stays text.
void print_yaml(const value& v, std::ostream& out, const std::string& indent) {
    const std::string deeper = indent + "  ";
    std::string before;  // nothing before the first entry, then the indentation
    if (v.is_object() && !v.get_object().empty()) {
        for (const auto& field : v.get_object()) {
            const bool is_block = field.value().is_structured() && boost::json::serialize(field.value()).size() > 2;
            out << before << std::string(field.key()) << (is_block ? ":\n" + deeper : ": ");
            print_yaml(field.value(), out, deeper);
            before = indent;
        }
    } else if (v.is_array() && !v.get_array().empty()) {
        for (const value& item : v.get_array()) {
            out << before << "- ";
            print_yaml(item, out, deeper);
            before = indent;
        }
    } else {
        out << boost::json::serialize(v) << '\n';
    }
}

void print_json(const value& v, std::ostream& out, const std::string& indent = "") {
    const auto print_items = [&](char open, char close, const auto& items, const auto& print_item) {
        if (items.empty()) {
            out << open << close;
            return;
        }
        const char* separator = "";
        out << open;
        for (const auto& item : items) {
            out << separator << '\n' << indent << "  ";
            print_item(item);
            separator = ",";
        }
        out << '\n' << indent << close;
    };
    if (v.is_object()) {
        print_items('{', '}', v.get_object(), [&](const auto& pair) {
            out << boost::json::serialize(pair.key()) << ": ";
            print_json(pair.value(), out, indent + "  ");
        });
    } else if (v.is_array()) {
        print_items('[', ']', v.get_array(), [&](const value& item) { print_json(item, out, indent + "  "); });
    } else {
        out << boost::json::serialize(v);
    }
}

void print_structured(OutputFormat format, const value& v, std::ostream& out) {
    if (format == OutputFormat::Yaml) return print_yaml(v, out, "");
    print_json(v, out);
    out << '\n';
}

bool same_column(std::string_view a, std::string_view b) {
    const auto fold = [](char c) {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
        return c == ' ' || c == '-' ? '_' : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return fold(x) == fold(y); });
}

/// Which columns to print: all, or those that -c named ("Secret href" and "secret_href" mean the same).
Result<std::vector<std::string>> chosen(CliContext& context, const std::vector<std::string>& all) {
    if (context.columns.empty()) return all;
    std::vector<std::string> columns;
    for (const std::string& wanted : context.columns) {
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const std::string& name) { return same_column(name, wanted); });
        if (found == all.end()) {
            return wrong_usage(context, fmt::format("no column {}; there are {}", wanted, fmt::join(all, ", ")));
        }
        columns.push_back(*found);
    }
    return columns;
}

Record picked(const Record& row, const std::vector<std::string>& columns) {
    Record fields;
    for (const std::string& name : columns) {
        const value* const field = row.if_contains(name);
        fields[name] = field == nullptr ? value(nullptr) : *field;
    }
    return fields;
}

}  // namespace

Result<void> write_record(CliContext& context, const Record& record, std::ostream& out, bool terminal) {
    std::vector<std::string> names;
    for (const auto& field : record) names.emplace_back(field.key());
    const Record fields = picked(record, TRY(chosen(context, names)));

    const OutputFormat format = effective(context.format, terminal);
    switch (format) {
        case OutputFormat::Automatic:
        case OutputFormat::Table: {
            Table table({"Field", "Value"});
            for (const auto& field : fields) table.add({std::string(field.key()), plain_text(field.value())});
            table.print(out);
            break;
        }
        case OutputFormat::Value:
            for (const auto& field : fields) {
                const std::string text = plain_text(field.value());
                out << (terminal ? without_control_characters(text) : text) << '\n';
            }
            break;
        case OutputFormat::Json:
        case OutputFormat::Yaml: print_structured(format, fields, out); break;
    }
    return {};
}

Result<void> write_list(CliContext& context, const std::vector<std::string>& columns, const std::vector<Record>& rows,
                        std::ostream& out, bool terminal) {
    const std::vector<std::string> names = TRY(chosen(context, columns));
    std::vector<Record> lines;
    for (const Record& row : rows) lines.push_back(picked(row, names));

    const OutputFormat format = effective(context.format, terminal);
    switch (format) {
        case OutputFormat::Automatic:
        case OutputFormat::Table: {
            Table table(names);
            for (const Record& line : lines) {
                std::vector<std::string> cells;
                for (const auto& field : line) cells.push_back(plain_text(field.value()));
                table.add(std::move(cells));
            }
            table.print(out);
            break;
        }
        case OutputFormat::Value:
            for (const Record& line : lines) {
                const char* separator = "";
                for (const auto& field : line) {
                    const std::string text = plain_text(field.value());
                    out << separator << (terminal ? without_control_characters(text) : text);
                    separator = " ";
                }
                out << '\n';
            }
            break;
        case OutputFormat::Json:
        case OutputFormat::Yaml: print_structured(format, boost::json::array(lines.begin(), lines.end()), out); break;
    }
    return {};
}

Result<void> print_record(CliContext& context, const Record& record) {
    return write_record(context, record, std::cout, isatty(STDOUT_FILENO) == 1);
}

Result<void> print_list(CliContext& context, const std::vector<std::string>& columns, const std::vector<Record>& rows) {
    return write_list(context, columns, rows, std::cout, isatty(STDOUT_FILENO) == 1);
}

bool prints_tables(const CliContext& context) {
    return effective(context.format, ::isatty(STDOUT_FILENO) == 1) == OutputFormat::Table;
}

bool prints_json(const CliContext& context) {
    return effective(context.format, ::isatty(STDOUT_FILENO) == 1) == OutputFormat::Json;
}

void remark(const CliContext& context, std::string_view sentence) {
    if (!context.quiet) std::cerr << sentence << '\n';
}

}  // namespace sallyport::cli
