#include "agent/config/value_types.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "keymanager/base/uuid.h"

namespace sallyport::config {
namespace {

/// What stands in the file instead of what was expected. Never more than a line of it.
std::string found(const YAML::Node& node) {
    if (node.IsMap()) return "a mapping";
    if (node.IsSequence()) return "a list";
    if (node.IsNull()) return "nothing";
    const std::string& text = node.Scalar();
    constexpr std::size_t longest = 60;
    const std::string shown = text.size() > longest ? text.substr(0, longest) + "..." : text;
    return fmt::format("\"{}\"", shown.substr(0, shown.find('\n')));
}

std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A ValueType of std::string from a rule for the text; an empty complaint means that it is fine.
ValueType<std::string> checked_text(const std::string& words,
                                    std::function<Result<void>(const std::string&, bool look_at_files)> check) {
    return {words,
            [words, check](const YAML::Node& node, bool look_at_files) -> Result<std::string> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr) return mismatch(words, node);
                if (!check(*scalar, false)) return mismatch(words, node);
                TRY(check(*scalar, look_at_files));
                return *scalar;
            },
            yaml_scalar};
}

Error complaint(std::string message) { return {Code::InvalidInput, std::move(message), {}}; }

Result<void> check_readable(const std::string& file) {
    struct stat facts {};
    if (stat(file.c_str(), &facts) != 0) return complaint(fmt::format("{}: {}", file, std::strerror(errno)));
    if (!S_ISREG(facts.st_mode)) return complaint(fmt::format("{}: not a regular file", file));
    if (access(file.c_str(), R_OK) != 0) return complaint(fmt::format("{}: {}", file, std::strerror(errno)));
    return {};
}

Result<void> check_secret_file(const std::string& file) {
    TRY(check_readable(file));
    struct stat facts {};
    if (stat(file.c_str(), &facts) != 0) return complaint(fmt::format("{}: {}", file, std::strerror(errno)));
    constexpr mode_t for_others = S_IRWXG | S_IRWXO;
    if ((facts.st_mode & for_others) != 0) {
        return complaint(fmt::format("{}: mode {:04o} lets others in; it holds a secret, so: chmod 0400 {}", file,
                                     facts.st_mode & 07777U, file));
    }
    if (facts.st_uid != geteuid() && facts.st_uid != 0) {
        return complaint(fmt::format("{}: belongs to uid {}, expected uid {} or root", file, facts.st_uid, geteuid()));
    }
    return {};
}

std::optional<TcpAddress> parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    std::string host = text.substr(0, colon);
    if (host.front() == '[') {
        if (host.size() < 3 || host.back() != ']') return std::nullopt;
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string::npos) {
        return std::nullopt;  // an IPv6 address without brackets: which part is the port?
    }
    const auto port = parse_integer(std::string_view(text).substr(colon + 1));
    if (!port || *port < 0 || *port > 65535) return std::nullopt;
    return TcpAddress{host, static_cast<std::uint16_t>(*port)};
}

}  // namespace

namespace detail {

std::string one_of_words(const std::vector<std::string>& words) {
    return words.size() == 1 ? words.front() : fmt::format("one of {}", fmt::join(words, ", "));
}

const std::string* scalar_of(const YAML::Node& node) { return node.IsScalar() ? &node.Scalar() : nullptr; }

Result<void> for_each_item(const YAML::Node& node, const std::string& words,
                           const std::function<Result<void>(const YAML::Node& item)>& read_item) {
    if (!node.IsSequence()) return mismatch(words, node);
    for (const YAML::Node& item : node) TRY(read_item(item));
    return {};
}

}  // namespace detail

Error mismatch(const std::string& words, const YAML::Node& node) {
    return complaint(fmt::format("expected {}, found {}", words, found(node)));
}

std::string yaml_scalar(const std::string& text) {
    // Plain only if no reader of YAML 1.1 or 1.2 could take it for anything but text.
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
               c == '_' || c == '-' || c == ':' || c == '+';
    };
    const bool letter_first =
        !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '/');
    static constexpr std::string_view words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
    const bool is_word = std::any_of(std::begin(words), std::end(words), [&](std::string_view word) {
        return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                          [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
    });
    if (letter_first && !is_word && text.back() != ':' && std::all_of(text.begin(), text.end(), is_plain)) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    return quoted + "\"";
}

ValueType<bool> boolean() {
    const std::string words = "true or false";
    return {words,
            [words](const YAML::Node& node, bool) -> Result<bool> {
                const std::string* const scalar = detail::scalar_of(node);
                // YAML 1.2, section 10.2.1.2: quoted "true" is text, and yes, no, on, off are too.
                if (scalar == nullptr || node.Tag() == "!") return mismatch(words, node);
                if (*scalar == "true") return true;
                if (*scalar == "false") return false;
                return mismatch(words, node);
            },
            [](const bool& value) -> std::string { return value ? "true" : "false"; }};
}

ValueType<std::int64_t> integer(std::int64_t least, std::int64_t most) {
    const std::string words = fmt::format("an integer from {} to {}", least, most);
    return {words,
            [words, least, most](const YAML::Node& node, bool) -> Result<std::int64_t> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr) return mismatch(words, node);
                const auto value = parse_integer(*scalar);
                if (!value || *value < least || *value > most) return mismatch(words, node);
                return *value;
            },
            [](const std::int64_t& value) { return std::to_string(value); }};
}

ValueType<std::string> text(const std::string& words) {
    return checked_text(words, [words](const std::string& given, bool) -> Result<void> {
        if (given.empty()) return complaint(words);
        return {};
    });
}

ValueType<std::string> any_text() {
    return checked_text("text", [](const std::string&, bool) -> Result<void> { return {}; });
}

ValueType<std::string> http_url() {
    return checked_text("a URL (http:// or https://)", [](const std::string& given, bool) -> Result<void> {
        for (const std::string_view scheme : {"http://", "https://"}) {
            if (given.starts_with(scheme) && given.size() > scheme.size() && given[scheme.size()] != '/') return {};
        }
        return complaint("no URL");
    });
}

ValueType<std::string> path(const std::string& words) { return text(words); }

ValueType<std::string> readable_file() {
    return checked_text("the path of a file", [](const std::string& given, bool look_at_files) -> Result<void> {
        if (given.empty()) return complaint("empty");
        if (!look_at_files) return {};
        return check_readable(given);
    });
}

ValueType<std::string> uuid() {
    return checked_text("a UUID", [](const std::string& given, bool) -> Result<void> {
        if (!is_uuid(given)) return complaint("no UUID");
        return {};
    });
}

ValueType<SecretFile> secret_file() {
    const std::string words = "the path of a file that only its owner may read";
    return {words,
            [words](const YAML::Node& node, bool look_at_files) -> Result<SecretFile> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr || scalar->empty()) return mismatch(words, node);
                if (look_at_files) TRY(check_secret_file(*scalar));
                return SecretFile{*scalar};
            },
            [](const SecretFile& file) { return yaml_scalar(file.path); }};
}

ValueType<SecretFile> secret_source() {
    const std::string words = "the path of a file that only its owner may read, credential:NAME or env:NAME";
    return {words,
            [words](const YAML::Node& node, bool look_at_files) -> Result<SecretFile> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr || scalar->empty()) return mismatch(words, node);
                const bool is_file = !scalar->starts_with("credential:") && !scalar->starts_with("env:");
                if (look_at_files && is_file) TRY(check_secret_file(*scalar));
                return SecretFile{*scalar};
            },
            [](const SecretFile& file) { return yaml_scalar(file.path); }};
}

ValueType<TcpAddress> tcp_address() {
    const std::string words = "an address and port such as 127.0.0.1:9311 or [::1]:9311";
    return {words,
            [words](const YAML::Node& node, bool) -> Result<TcpAddress> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr) return mismatch(words, node);
                auto address = parse_address(*scalar);
                if (!address) return mismatch(words, node);
                return *std::move(address);
            },
            [](const TcpAddress& address) { return address.text(); }};
}

ValueType<::mode_t> file_mode() {
    const std::string words = "an octal file mode such as \"0660\"";
    return {words,
            [words](const YAML::Node& node, bool) -> Result<::mode_t> {
                const std::string* const scalar = detail::scalar_of(node);
                if (scalar == nullptr || scalar->size() < 3) return mismatch(words, node);
                const auto mode = parse_integer(*scalar, 8);
                if (!mode || *mode < 0 || *mode > 0777) return mismatch(words, node);
                return static_cast<::mode_t>(*mode);
            },
            [](const ::mode_t& mode) { return fmt::format("\"{:04o}\"", mode); }};
}

ValueType<std::map<std::string, std::string>> uuids_by_name() {
    const std::string words = "a mapping of names to UUIDs";
    return {words,
            [words](const YAML::Node& node, bool) -> Result<std::map<std::string, std::string>> {
                if (!node.IsMap()) return mismatch(words, node);
                std::map<std::string, std::string> values;
                for (const auto& pair : node) {
                    const std::string* const name = detail::scalar_of(pair.first);
                    if (name == nullptr) return mismatch(words, node);
                    const Result<std::string> id = uuid().read(pair.second, false);
                    if (!id) return complaint(fmt::format("\"{}\": {}", *name, id.error().message));
                    if (!values.emplace(*name, *id).second) return complaint(fmt::format("\"{}\" stands twice", *name));
                }
                return values;
            },
            [](const std::map<std::string, std::string>& values) {
                std::string text;
                for (const auto& [name, id] : values) {
                    text += (text.empty() ? "" : ", ") + fmt::format("{}: {}", yaml_scalar(name), yaml_scalar(id));
                }
                return "{" + text + "}";
            }};
}

}  // namespace sallyport::config
