#include "migration/oslo_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/utf8.h"
#include "migration/config_text.h"
#include "migration/oslo_names.h"

namespace sallyport::migration {
namespace {

constexpr std::string_view Default = "DEFAULT";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
    std::string low(text);
    std::ranges::transform(low, low.begin(), lower);
    return low;
}

bool starts_identifier(char c) { return c == '_' || (lower(c) >= 'a' && lower(c) <= 'z'); }
bool continues_identifier(char c) { return starts_identifier(c) || c == '.' || (c >= '0' && c <= '9'); }

/// The identifier at the start of `text`, empty if there is none.
std::string_view identifier(std::string_view text) {
    if (text.empty() || !starts_identifier(text.front())) return {};
    const auto end = std::ranges::find_if_not(text, continues_identifier);
    return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// What follows a '$': `length` characters that stand for `name`, or for a '$' if that is empty.
struct Reference {
    std::string_view name;
    std::size_t length;
};

Reference reference_at(std::string_view after_dollar) {
    if (after_dollar.starts_with('$')) return {{}, 1};
    if (const std::string_view name = identifier(after_dollar); !name.empty()) return {name, name.size()};
    if (after_dollar.starts_with('{')) {
        const std::string_view name = identifier(after_dollar.substr(1));
        if (!name.empty() && after_dollar.substr(1 + name.size()).starts_with('}')) return {name, name.size() + 2};
    }
    return {{}, 0};
}

/// oslo.config makes "$$" of "\$" before anything else.
void unify_escapes(std::span<std::byte> value) {
    for (std::size_t at = 0; at + 1 < value.size(); ++at) {
        if (value[at] != std::byte{'\\'} || value[at + 1] != std::byte{'$'}) continue;
        value[at] = std::byte{'$'};
        ++at;
    }
}

Result<SecureBytes> joined(const std::vector<SecureBytes>& pieces) {
    std::size_t size = 0;
    for (const SecureBytes& piece : pieces) size += piece.size();
    SecureBytes all = TRY(SecureBytes::of_size(size));
    auto to = all.writable().begin();
    for (const SecureBytes& piece : pieces) to = std::ranges::copy(piece.reveal(), to).out;
    return all;
}

Error invalid(const IniFile& file, std::size_t index, std::string_view what) {
    const IniAssignment& at = file.assignments()[index];
    return Error{
        Code::InvalidInput, fmt::format("{}:{}: [{}] {} {}", file.name(), at.first_line, at.group, at.name, what), {}};
}

std::string dest_of(std::string_view name) {
    std::string dest(name);
    std::ranges::replace(dest, '-', '_');
    return dest;
}

}  // namespace

bool same_group(std::string_view a, std::string_view b) {
    return (a == Default) == (b == Default) && lowered(a) == lowered(b);
}

/// Puts other options' values in the place of references, for one value that was asked for.
class OsloConfig::Expansion {
public:
    explicit Expansion(const OsloConfig& config) : config_(config) {}

    /// `group` is the one of the option that the value belongs to.
    Result<SecureBytes> of(const Found& found, std::string_view group) {
        if (++steps_ > MostSteps || depth_ == Deepest) {
            endless_ = true;
            return invalid(*found.file, found.index, "refers to itself, or to too many other options");
        }
        ++depth_;
        auto expanded = substituted(found, group);
        --depth_;
        return expanded;
    }

private:
    static constexpr int MostSteps = 1000;
    static constexpr int Deepest = 30;

    Result<SecureBytes> substituted(const Found& found, std::string_view group) {
        SecureBytes value = TRY(SecureBytes::copy_of(found.file->reveal_value(found.index)));
        unify_escapes(value.writable());
        std::vector<SecureBytes> pieces;
        std::string_view rest = text_of(value.reveal());
        while (!rest.empty()) {
            const std::size_t dollar = std::min(rest.find('$'), rest.size());
            pieces.push_back(TRY(SecureBytes::copy_of(bytes_of(rest.substr(0, dollar)))));
            if (dollar == rest.size()) break;
            rest.remove_prefix(dollar + 1);
            const Reference reference = reference_at(rest);
            pieces.push_back(TRY(replacement(reference.name, found, group)));
            rest.remove_prefix(reference.length);
        }
        return joined(pieces);
    }

    Result<SecureBytes> replacement(std::string_view name, const Found& from, std::string_view group) {
        if (name.empty()) return SecureBytes::copy_of(bytes_of("$"));
        const std::size_t dot = name.find('.');
        if (dot != std::string_view::npos) {
            if (auto there = in_group(name.substr(0, dot), name.substr(dot + 1))) return *std::move(there);
        } else {
            auto near = in_group(group, name);
            if (near && (*near || endless_)) return *std::move(near);
            // oslo.config looks here too if that one's own references lead nowhere.
            if (auto there = in_group(Default, name)) return *std::move(there);
        }
        // The name is a part of the value, which may be a password with a '$' in it: it is not said.
        return invalid(*from.file, from.index,
                       "refers with a '$' to an option that is set nowhere (a '$' that means itself is written '$$')");
    }

    std::optional<Result<SecureBytes>> in_group(std::string_view group, std::string_view name) {
        if (const auto found = config_.find(group, name)) return of(*found, group);
        const std::string_view fallback = default_of_option(group, name);
        if (fallback.empty()) return std::nullopt;
        return SecureBytes::copy_of(bytes_of(fallback));
    }

    const OsloConfig& config_;
    int steps_ = 0;
    int depth_ = 0;
    bool endless_ = false;
};

Result<OsloConfig> OsloConfig::read(std::span<const std::string> paths) {
    std::vector<IniFile> parsed;
    for (const std::string& path : paths) {
        for (const std::string& file : TRY(config_files_at(path))) {
            const SecureBytes text = TRY(read_config_text(file));
            parsed.push_back(TRY(IniFile::parse(text, file)));
        }
    }
    return OsloConfig(std::move(parsed));
}

std::optional<OsloConfig::Found> OsloConfig::find(std::string_view group, std::string_view name) const {
    const std::string dest = dest_of(name);
    const std::vector<OptionName> places = places_of_option(group, dest);
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
        const std::vector<IniAssignment>& all = file->assignments();
        for (const OptionName& place : places) {
            const auto last = std::ranges::find_if(all.rbegin(), all.rend(), [&place](const IniAssignment& one) {
                return one.name == place.name && same_group(one.group, place.group);
            });
            if (last != all.rend()) return Found{&*file, static_cast<std::size_t>(all.rend() - last) - 1};
        }
    }
    return std::nullopt;
}

std::vector<OsloConfig::Found> OsloConfig::find_all(std::string_view group, std::string_view name) const {
    const std::string dest = dest_of(name);
    const std::vector<OptionName> places = places_of_option(group, dest);
    std::vector<Found> found;
    for (const IniFile& file : files_) {
        // oslo.config puts what it finds under the next name before what it has.
        for (auto place = places.rbegin(); place != places.rend(); ++place) {
            for (std::size_t i = 0; i < file.assignments().size(); ++i) {
                const IniAssignment& one = file.assignments()[i];
                if (one.name == place->name && same_group(one.group, place->group)) found.push_back({&file, i});
            }
        }
    }
    return found;
}

Result<std::optional<SecureBytes>> OsloConfig::secret(std::string_view group, std::string_view name) const {
    const auto found = find(group, name);
    if (!found) return std::optional<SecureBytes>{};
    SecureBytes value = TRY(Expansion(*this).of(*found, group));
    return std::optional<SecureBytes>(std::move(value));
}

Result<std::optional<std::string>> OsloConfig::text(std::string_view group, std::string_view name) const {
    const std::optional<SecureBytes> value = TRY(secret(group, name));
    if (!value) return std::optional<std::string>{};
    return std::optional<std::string>(text_of(value->reveal()));
}

Result<std::vector<OsloConfig::PlacedSecret>> OsloConfig::secrets(std::string_view group, std::string_view name) const {
    std::vector<PlacedSecret> values;
    for (const Found& found : find_all(group, name)) {
        // Named first: g++ 12 leaks the half-made aggregate when TRY leaves inside its braces.
        SecureBytes value = TRY(Expansion(*this).of(found, group));
        values.push_back({place_of(found), std::move(value)});
    }
    return values;
}

Result<std::vector<std::string>> OsloConfig::texts(std::string_view group, std::string_view name) const {
    std::vector<std::string> values;
    for (const PlacedSecret& one : TRY(secrets(group, name))) values.emplace_back(text_of(one.value.reveal()));
    return values;
}

Result<std::optional<bool>> OsloConfig::boolean(std::string_view group, std::string_view name) const {
    const std::optional<std::string> value = TRY(text(group, name));
    if (!value) return std::optional<bool>{};
    constexpr std::array<std::string_view, 4> True{"true", "1", "on", "yes"};
    constexpr std::array<std::string_view, 4> False{"false", "0", "off", "no"};
    const std::string word = lowered(*value);
    if (std::ranges::find(True, word) != True.end()) return std::optional<bool>(true);
    if (std::ranges::find(False, word) != False.end()) return std::optional<bool>(false);
    const auto found = find(group, name);
    return invalid(*found->file, found->index, "is neither true nor false");
}

Result<std::optional<std::int64_t>> OsloConfig::integer(std::string_view group, std::string_view name) const {
    const std::optional<std::string> value = TRY(text(group, name));
    if (!value) return std::optional<std::int64_t>{};
    const std::string_view trimmed_value = trimmed(*value);
    if (trimmed_value.empty()) return std::optional<std::int64_t>{};

    // Python: one '_' may stand between two digits.
    std::string digits;
    for (std::size_t i = 0; i < trimmed_value.size(); ++i) {
        const bool between = i > 0 && i + 1 < trimmed_value.size() && std::isdigit(trimmed_value[i - 1]) != 0 &&
                             std::isdigit(trimmed_value[i + 1]) != 0;
        if (trimmed_value[i] != '_' || !between) digits += trimmed_value[i];
    }
    const bool plus = digits.starts_with('+') && !digits.starts_with("+-");
    std::int64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data() + (plus ? 1 : 0), end, number);
    if (read.ec == std::errc{} && read.ptr == end) return std::optional<std::int64_t>(number);
    const auto found = find(group, name);
    return invalid(*found->file, found->index, "is no whole number of 64 bits");
}

OsloConfig::Place OsloConfig::place_of(const Found& found) {
    return {found.file->name(), found.file->assignments()[found.index].first_line};
}

std::optional<OsloConfig::Place> OsloConfig::place_of(std::string_view group, std::string_view name) const {
    const auto found = find(group, name);
    if (!found) return std::nullopt;
    return place_of(*found);
}

}  // namespace sallyport::migration
