#include "migration/cleanup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "migration/config_text.h"
#include "migration/fixed_key.h"
#include "migration/ini_file.h"
#include "migration/oslo_config.h"
#include "migration/oslo_names.h"

namespace sallyport::migration {
namespace {

Error refused(const std::string& path, std::string_view why) {
    return {Code::Refused, fmt::format("'{}' {}", path, why), {}};
}

bool is_fixed_key(const IniAssignment& one) {
    return std::ranges::any_of(places_of_option("key_manager", "fixed_key"), [&one](const OptionName& place) {
        return one.name == place.name && same_group(one.group, place.group);
    });
}

std::vector<IniAssignment> fixed_key_lines(const IniFile& file) {
    std::vector<IniAssignment> found;
    std::ranges::copy_if(file.assignments(), std::back_inserter(found), is_fixed_key);
    return found;
}

/// `text` without those lines.
Result<SecureBytes> without(const SecureBytes& text, std::span<const IniAssignment> lines) {
    SecureBytes rest = TRY(SecureBytes::of_size(text.size()));
    const std::span<const std::byte> all = text.reveal();
    auto to = rest.writable().begin();
    std::size_t at = 0;
    for (const IniAssignment& one : lines) {
        to = std::ranges::copy(all.subspan(at, one.begin - at), to).out;
        at = one.end;
    }
    to = std::ranges::copy(all.subspan(at), to).out;
    rest.truncate(static_cast<std::size_t>(to - rest.writable().begin()));
    return rest;
}

/// That putting the lines back gives the old text, byte for byte. Asked of the result, not of how it was made.
bool differs_by_only(const SecureBytes& old_text, const SecureBytes& new_text, std::span<const IniAssignment> lines) {
    std::span<const std::byte> left = old_text.reveal();
    std::span<const std::byte> right = new_text.reveal();
    std::size_t gone = 0;
    for (const IniAssignment& one : lines) gone += one.end - one.begin;
    if (left.size() != right.size() + gone) return false;
    std::size_t at = 0;
    for (const IniAssignment& one : lines) {
        const std::size_t same = one.begin - at;
        if (!equal_in_constant_time(left.subspan(at, same), right.first(same))) return false;
        right = right.subspan(same);
        at = one.end;
    }
    return equal_in_constant_time(left.subspan(at), right);
}

using Values = Result<std::vector<OsloConfig::PlacedSecret>>;

bool same_values(const Values& before, const Values& after) {
    // A reference that led nowhere before may do so after.
    if (!before || !after) return !before && !after;
    return std::ranges::equal(*before, *after, [](const auto& a, const auto& b) {
        return equal_in_constant_time(a.value.reveal(), b.value.reveal());
    });
}

/// That every other option is there as before and means what it meant.
Result<void> check_meaning(const IniFile& before, const SecureBytes& next) {
    std::vector<IniFile> old_files;
    std::vector<IniFile> new_files;
    new_files.push_back(TRY(IniFile::parse(next, before.name())));
    const IniFile& after = new_files.front();
    std::size_t at = 0;
    for (std::size_t i = 0; i < before.assignments().size(); ++i) {
        const IniAssignment& one = before.assignments()[i];
        if (is_fixed_key(one)) continue;
        const bool same = at < after.assignments().size() && after.assignments()[at].group == one.group &&
                          after.assignments()[at].name == one.name &&
                          equal_in_constant_time(before.reveal_value(i), after.reveal_value(at));
        if (!same) return refused(before.name(), fmt::format("would lose its line {} as well", one.first_line));
        ++at;
    }
    if (at != after.assignments().size()) return refused(before.name(), "would get an option that it has not");
    return {};
}

/// That nobody refers to fixed_key with a '$'.
Result<void> check_references(const OsloConfig& before, const OsloConfig& after) {
    std::set<std::pair<std::string, std::string>> names;
    for (const IniAssignment& one : after.files().front().assignments()) names.emplace(one.group, one.name);
    for (const auto& [group, name] : names) {
        if (same_values(before.secrets(group, name), after.secrets(group, name))) continue;
        return refused(before.files().front().name(),
                       fmt::format("has an option that refers to fixed_key, [{}] {}: change that first", group, name));
    }
    return {};
}

/// Lines of `text` that hold `digits`, in either case.
std::vector<std::size_t> lines_with(const SecureBytes& text, const SecureBytes& digits) {
    const std::string_view all = text_of(text.reveal());
    const std::string_view wanted = text_of(digits.reveal());
    const auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::vector<std::size_t> lines;
    std::size_t number = 0;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size());
        ++number;
        const std::string_view line = all.substr(at, end - at);
        const auto found = std::search(line.begin(), line.end(), wanted.begin(), wanted.end(),
                                       [&lower](char a, char b) { return lower(a) == b; });
        if (found != line.end()) lines.push_back(number);
        at = end + 1;
    }
    return lines;
}

/// "20261122T223000Z"
std::string compact(Timestamp time) {
    std::string text = to_iso8601(std::chrono::floor<std::chrono::seconds>(time));
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + "Z";
}

struct Service {
    std::string_view name;
    ConfigOwner owner;
};
// Those that still work on volumes come first; nova-compute keeps its guests running through a restart.
constexpr std::array Services{Service{"cinder-volume", ConfigOwner::Cinder},
                              Service{"cinder-backup", ConfigOwner::Cinder},
                              Service{"cinder-scheduler", ConfigOwner::Cinder},
                              Service{"cinder-api", ConfigOwner::Cinder}, Service{"nova-compute", ConfigOwner::Nova}};

}  // namespace

Result<Cleanup> Cleanup::prepare(std::span<const CleanupTarget> targets) {
    Cleanup cleanup;
    for (const CleanupTarget& target : targets) {
        for (const std::string& path : TRY(config_files_at(target.path))) TRY(cleanup.add(path, target.owner));
    }
    std::vector<OsloConfig> configs;
    configs.reserve(cleanup.work_.size());
    for (const Work& work : cleanup.work_) {
        std::vector<IniFile> one;
        one.push_back(TRY(IniFile::parse(work.swap.content(), work.swap.path())));
        configs.emplace_back(std::move(one));
    }
    std::vector<NamedConfig> named;
    for (const OsloConfig& config : configs) named.push_back({config.files().front().name(), config});
    FixedKeyComparison comparison = TRY(compare_fixed_keys(named));
    comparison.without.clear();  // an option set to nothing goes, too
    if (!comparison.agree()) return Error{Code::Conflict, description(comparison) + ": nothing was changed", {}};

    std::optional<FixedKey> fixed_key;
    for (const OsloConfig& config : configs) {
        if (!fixed_key) fixed_key = TRY(read_fixed_key(config));
    }
    for (std::size_t i = 0; i < cleanup.work_.size(); ++i) {
        const Work& work = cleanup.work_[i];
        std::vector<IniFile> next;
        next.push_back(TRY(IniFile::parse(work.next, work.swap.path())));
        TRY(check_references(configs[i], OsloConfig(std::move(next))));
        if (!fixed_key) continue;
        const SecureBytes digits = TRY(to_hex_secure(fixed_key->bytes));
        cleanup.files_[work.file].still_there = lines_with(work.next, digits);
    }
    return cleanup;
}

Result<void> Cleanup::add(const std::string& path, ConfigOwner owner) {
    FileSwap swap = TRY(FileSwap::open(path));
    const auto is_this = [&path](const CleanupFile& file) {
        std::error_code ignored;
        return std::filesystem::equivalent(file.path, path, ignored);
    };
    if (std::ranges::any_of(files_, is_this)) return {};
    const IniFile parsed = TRY(IniFile::parse(swap.content(), path));
    const std::vector<IniAssignment> lines = fixed_key_lines(parsed);
    files_.push_back({path, owner});
    for (const IniAssignment& one : lines) files_.back().removed.push_back({one.first_line, one.last_line});
    if (lines.empty()) return {};

    SecureBytes next = TRY(without(swap.content(), lines));
    if (!differs_by_only(swap.content(), next, lines)) {
        return Error{Code::Internal, fmt::format("'{}' would change elsewhere, too: nothing was changed", path), {}};
    }
    TRY(check_meaning(parsed, next));
    work_.push_back({std::move(swap), std::move(next), files_.size() - 1});
    return {};
}

Result<void> Cleanup::run(Timestamp now) {
    const std::string suffix = ".sallyport-" + compact(now);
    for (Work& work : work_) TRY(work.swap.stage(work.next, suffix));
    for (Work& work : work_) {
        TRY(work.swap.commit());
        files_[work.file].backup = work.swap.backup();
    }
    return {};
}

std::vector<Restart> Cleanup::restarts() const {
    std::vector<Restart> restarts;
    for (const Service& service : Services) {
        Restart restart{std::string(service.name), {}};
        for (const CleanupFile& file : files_) {
            if (file.owner == service.owner && !file.removed.empty()) restart.files.push_back(file.path);
        }
        if (!restart.files.empty()) restarts.push_back(std::move(restart));
    }
    return restarts;
}

}  // namespace sallyport::migration
