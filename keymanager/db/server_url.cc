#include "keymanager/db/server_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "keymanager/base/private_file.h"

namespace sallyport::db {
namespace {

struct Scheme {
    std::string_view name;
    ServerKind kind;
};
/// What Barbican's sql_connection may begin with. The driver's name means nothing to us.
constexpr std::array Schemes{
    Scheme{"mysql", ServerKind::MariaDb},
    Scheme{"mysql+pymysql", ServerKind::MariaDb},
    Scheme{"mysql+mysqldb", ServerKind::MariaDb},
    Scheme{"mariadb", ServerKind::MariaDb},
    Scheme{"mariadb+pymysql", ServerKind::MariaDb},
    Scheme{"postgresql", ServerKind::PostgreSql},
    Scheme{"postgresql+psycopg2", ServerKind::PostgreSql},
    Scheme{"postgres", ServerKind::PostgreSql},
};

// charset is taken and left alone: the connection always speaks UTF-8.
constexpr std::array<std::string_view, 5> MariaDbOptions{"unix_socket", "charset", "ssl_ca", "ssl_cert", "ssl_key"};
constexpr std::array<std::string_view, 5> PostgreSqlOptions{"host", "sslmode", "sslrootcert", "sslcert", "sslkey"};

constexpr std::uint16_t default_port(ServerKind kind) {
    switch (kind) {
        case ServerKind::MariaDb: return 3306;
        case ServerKind::PostgreSql: return 5432;
    }
    return 0;
}

std::string_view example(ServerKind kind) {
    switch (kind) {
        case ServerKind::MariaDb: return "mysql+pymysql://user@host:3306/barbican";
        case ServerKind::PostgreSql: return "postgresql://user@host:5432/barbican";
    }
    return "";
}

const Scheme* scheme_of(std::string_view url) {
    const auto end = url.find("://");
    if (end == std::string_view::npos) return nullptr;
    const auto* found = std::ranges::find(Schemes, url.substr(0, end), &Scheme::name);
    return found == Schemes.end() ? nullptr : found;
}

Error malformed(ServerKind kind, std::string_view what) {
    return {Code::InvalidInput, fmt::format("the database URL {}: it looks like {}", what, example(kind)), {}};
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        if (i + 2 >= text.size()) return std::nullopt;
        const char* digits = text.data() + i + 1;
        if (const auto read = std::from_chars(digits, digits + 2, value, 16); read.ptr != digits + 2)
            return std::nullopt;
        // The C libraries would take it for the end.
        if (value == 0) return std::nullopt;
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

std::optional<ServerHost> host_of(std::string_view text, std::uint16_t port) {
    ServerHost host{{}, port};
    std::string_view name = text;
    std::string_view after;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        name = text.substr(1, close - 1);
        after = text.substr(close + 1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        name = text.substr(0, colon);
        after = text.substr(colon);
    }
    if (!after.empty()) {
        if (after.front() != ':') return std::nullopt;
        after.remove_prefix(1);
        const auto read = std::from_chars(after.data(), after.data() + after.size(), host.port);
        if (read.ec != std::errc() || read.ptr != after.data() + after.size() || host.port == 0) return std::nullopt;
    }
    host.name = std::string(name);
    // A name that a client library would read as something else (a path, a second parameter) is none.
    const bool plain = std::ranges::all_of(host.name, [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
               c == '_' || c == ':' || c == '%';
    });
    if (host.name.empty() || !plain) return std::nullopt;
    return host;
}

/// Calls `each` for the pieces of `text` between the separators.
template <class F>
bool each_piece(std::string_view text, char separator, F&& each) {
    while (true) {
        const auto end = text.find(separator);
        if (!each(text.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
}

Result<void> take_options(std::string_view query, ServerUrl& url) {
    if (query.empty()) return {};
    Result<void> outcome;
    const auto known = url.kind == ServerKind::MariaDb ? MariaDbOptions : PostgreSqlOptions;
    each_piece(query, '&', [&](std::string_view pair) {
        const auto equals = pair.find('=');
        const auto name = pair.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::nullopt : percent_decoded(pair.substr(equals + 1));
        if (std::ranges::find(known, name) == known.end()) {
            outcome = Error{Code::InvalidInput,
                            fmt::format("the database URL has an option that is not known here: '{:.40}'; known are {}",
                                        name, fmt::join(known, ", ")),
                            {}};
        } else if (!value) {
            outcome = malformed(url.kind, fmt::format("gives option '{}' no value", name));
        } else {
            url.options.emplace(name, *value);
        }
        return outcome.has_value();
    });
    return outcome;
}

}  // namespace

std::string ServerUrl::option(std::string_view name) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

bool is_server_url(std::string_view url) { return scheme_of(url) != nullptr; }

Result<ServerUrl> parse_server_url(std::string_view text) {
    const Scheme* scheme = scheme_of(text);
    if (scheme == nullptr) return Error{Code::InvalidInput, "the database URL names no server that is known here", {}};
    ServerUrl url;
    url.kind = scheme->kind;
    std::string_view rest = text.substr(scheme->name.size() + 3);

    std::string_view query;
    if (const auto at = rest.find('?'); at != std::string_view::npos) {
        query = rest.substr(at + 1);
        rest = rest.substr(0, at);
    }
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return malformed(url.kind, "names no database");
    const auto database = percent_decoded(rest.substr(slash + 1));
    if (!database || database->empty() || database->find('/') != std::string::npos) {
        return malformed(url.kind, "names no database");
    }
    url.database = *database;

    std::string_view authority = rest.substr(0, slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view who = authority.substr(0, at);
        if (who.find(':') != std::string_view::npos) {
            return Error{Code::Refused,
                         "the database URL holds a password, and so would every copy of the configuration: write it to "
                         "a file of mode 0400 and name that in database_password_file",
                         {}};
        }
        const auto user = percent_decoded(who);
        if (!user) return malformed(url.kind, "has a user that cannot be read");
        url.user = *user;
        authority.remove_prefix(at + 1);
    }
    if (url.user.empty()) return malformed(url.kind, "names no user");
    if (!authority.empty()) {
        const bool sound = each_piece(authority, ',', [&url](std::string_view piece) {
            auto host = host_of(piece, default_port(url.kind));
            if (host) url.hosts.push_back(*std::move(host));
            return host.has_value();
        });
        if (!sound) return malformed(url.kind, "has a host that cannot be read");
    }
    TRY(take_options(query, url));
    return url;
}

namespace {

constexpr PrivateFileKind PasswordFile{.what = "password file", .most_bytes = 1023};

bool holds_nul(std::span<const std::byte> text) { return std::ranges::find(text, std::byte{0}) != text.end(); }

}  // namespace

Result<SecureBytes> read_password(const std::string& path) {
    if (path.empty()) return SecureBytes();
    const SecureBytes text = TRY(read_private_file(path, PasswordFile));
    const auto line_end = [](std::byte b) { return b == std::byte{'\n'} || b == std::byte{'\r'}; };
    const auto bytes = text.reveal();
    const auto length = static_cast<std::size_t>(std::ranges::find_if(bytes, line_end) - bytes.begin());
    if (length == 0 || holds_nul(bytes.first(length))) {
        return Error{Code::InvalidInput, fmt::format("password file '{}' holds no password", path), {}};
    }
    // The client libraries take it as a C string.
    SecureBytes password = TRY(SecureBytes::of_size(length + 1));
    std::ranges::copy(bytes.first(length), password.writable().begin());
    password.writable()[length] = std::byte{0};
    return password;
}

}  // namespace sallyport::db
