#include "migration/ini_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/utf8.h"

namespace sallyport::migration {
namespace {

struct Line {
    std::string_view text;  ///< without its end and without white space at the right
    std::size_t number;
    std::size_t begin;
    std::size_t end;  ///< after its end
};

/// The lines of a text as Python's universal newlines cut them.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}

    bool next(Line& line) {
        if (at_ == text_.size()) return false;
        const std::size_t begin = at_;
        const std::size_t stop = std::min(text_.find_first_of("\r\n", begin), text_.size());
        at_ = std::min(stop + 1, text_.size());
        if (text_.substr(stop).starts_with("\r\n")) ++at_;
        line = {trimmed_right(text_.substr(begin, stop - begin)), ++number_, begin, at_};
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t number_ = 0;
};

/// As oslo does: only where both ends have the same mark; a lone mark is both ends.
std::string_view unquoted(std::string_view value) {
    if (value.empty() || value.front() != value.back() || (value.front() != '"' && value.front() != '\'')) return value;
    return value.size() < 2 ? std::string_view{} : value.substr(1, value.size() - 2);
}

}  // namespace

/// Fills an IniFile. The values never take more room than the text they come from.
class IniParser {
public:
    IniParser(std::string_view text, IniFile& file) : lines_(text), file_(file) {}

    Result<void> run() {
        Line line{};
        while (lines_.next(line)) TRY(take(line));
        file_.values_.truncate(used_);
        return {};
    }

private:
    Result<void> take(const Line& line) {
        if (line.text.empty()) {
            open_ = false;
            return {};
        }
        if (line.text.front() == ' ' || line.text.front() == '\t') return continue_value(line);
        open_ = false;
        if (line.text.front() == '[') return start_group(line);
        if (line.text.front() == '#' || line.text.front() == ';') return {};
        return start_value(line);
    }

    Result<void> start_group(const Line& line) {
        if (line.text.back() != ']') return bad(line, "a group has to end with ']', with nothing behind it");
        if (line.text.size() <= 2) return bad(line, "the name of the group is missing");
        group_ = line.text.substr(1, line.text.size() - 2);
        return {};
    }

    Result<void> start_value(const Line& line) {
        const std::size_t split = line.text.find_first_of(":=");
        if (split == std::string_view::npos) {
            return bad(line, "neither an option ('name = value'), nor a [group], nor a comment");
        }
        const std::string_view option = trimmed(line.text.substr(0, split));
        if (option.empty()) return bad(line, "the name before the '=' or ':' is missing");
        if (group_.empty()) return bad(line, "an option before the first [group]: oslo.config refuses such a file");
        file_.assignments_.push_back(
            {std::string(group_), std::string(option), line.number, line.number, line.begin, line.end});
        file_.extents_.push_back({used_, 0});
        append(unquoted(trimmed(line.text.substr(split + 1))));
        open_ = true;
        return {};
    }

    Result<void> continue_value(const Line& line) {
        if (!open_) {
            return bad(line, "it starts with a blank, but there is no option above that it could continue");
        }
        append("\n");
        append(trimmed_left(line.text));
        file_.assignments_.back().last_line = line.number;
        file_.assignments_.back().end = line.end;
        return {};
    }

    void append(std::string_view piece) {
        std::ranges::copy(bytes_of(piece), file_.values_.writable().data() + used_);
        used_ += piece.size();
        file_.extents_.back().size += piece.size();
    }

    Error bad(const Line& line, std::string_view what) const {
        return Error{Code::InvalidInput, fmt::format("{}:{}: {}", file_.name_, line.number, what), {}};
    }

    Lines lines_;
    IniFile& file_;
    std::string_view group_;
    bool open_ = false;  ///< the next line may continue the last value
    std::size_t used_ = 0;
};

Result<IniFile> IniFile::parse(const SecureBytes& text, const std::string& name) {
    const std::string_view all = text_of(text.reveal());
    if (!is_utf8(all)) {
        return Error{Code::InvalidInput, name + ": not UTF-8, which oslo.config asks for (iconv mends it)", {}};
    }
    IniFile file;
    file.name_ = name;
    // A value loses at least its "=" and gains at most one \n for each line end that it loses.
    SecureBytes room = TRY(SecureBytes::of_size(all.size()));
    file.values_ = std::move(room);
    IniParser parser(all, file);
    TRY(parser.run());
    // Most of a file is comments: what is kept should not lock as much memory as the file.
    SecureBytes kept = TRY(file.values_.clone());
    file.values_ = std::move(kept);
    return file;
}

std::span<const std::byte> IniFile::reveal_value(std::size_t index) const {
    const Extent& extent = extents_[index];
    return values_.reveal().subspan(extent.begin, extent.size);
}

}  // namespace sallyport::migration
