#include "agent/cli/doctor_checks.h"

#include <boost/json.hpp>
#include <boost/url.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

#include "agent/audit/audit_log.h"
#include "agent/audit/verify.h"
#include "keymanager/db/database.h"
#include "keymanager/store/kek_file.h"

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int ConnectMilliseconds = 3000;
/// A longer log is for `audit verify`: the doctor is quick.
constexpr std::uintmax_t VerifyBytes = 64U << 20U;
constexpr double LeastRoom = 0.05;
constexpr std::uint64_t Unlimited = std::numeric_limits<std::uint64_t>::max();

std::string first_line_of(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::int64_t agent_pid(const Patient& patient) {
    if (!patient.agent) return 0;
    const json::value* pid = patient.agent->if_contains("pid");
    return pid != nullptr && pid->is_int64() ? pid->get_int64() : 0;
}

/// A soft limit of the running agent by its name in /proc/PID/limits; nothing if that cannot be read.
std::optional<std::uint64_t> limit_of(std::int64_t pid, std::string_view name) {
    std::ifstream in(fmt::format("/proc/{}/limits", pid));
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(name)) continue;
        std::istringstream words(line.substr(name.size()));
        std::string soft;
        words >> soft;
        if (soft == "unlimited") return Unlimited;
        std::uint64_t value = 0;
        const auto [end, failed] = std::from_chars(soft.data(), soft.data() + soft.size(), value);
        if (failed == std::errc()) return value;
    }
    return std::nullopt;
}

std::string sqlite_file(const std::string& url) {
    constexpr std::string_view Prefix = "sqlite:///";
    return url.starts_with(Prefix) ? url.substr(Prefix.size()) : std::string();
}

Result<void> connect_tcp(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) {
        return Error{Code::Unavailable, fmt::format("{} has no address: {}", host, ::gai_strerror(failed)), {}};
    }
    int why = ETIMEDOUT;
    for (const addrinfo* address = found; address != nullptr && why != 0; address = address->ai_next) {
        const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) continue;
        why = ::connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        if (why == EINPROGRESS) {
            pollfd waiting{fd, POLLOUT, 0};
            socklen_t size = sizeof why;
            why = ETIMEDOUT;
            if (::poll(&waiting, 1, ConnectMilliseconds) == 1) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size);
        }
        ::close(fd);
    }
    ::freeaddrinfo(found);
    if (why == 0) return {};
    return Error{Code::Unavailable, fmt::format("{}:{}: {}", host, port, std::strerror(why)), {}};
}

bool someone_listens(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) return false;
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

}  // namespace

Findings check_configuration(const std::string& config_file) {
    const config::Checked checked = config::check_file(config_file);
    Findings findings;
    for (const config::Problem& problem : checked.problems) {
        findings.push_back(
            {"configuration", Health::Bad, problem.text(),
             fmt::format("editor +{} {}; sallyport check-config", std::max(problem.line, 1), config_file)});
    }
    for (const config::Problem& warning : checked.warnings) {
        findings.push_back({"configuration", Health::Warning, warning.text(),
                            fmt::format("editor +{} {}", std::max(warning.line, 1), config_file)});
    }
    if (findings.empty()) findings.push_back({"configuration", Health::Good, config_file + " is good"});
    return findings;
}

Findings check_config_file(const Patient& patient) {
    struct stat facts {};
    if (::stat(patient.config_file.c_str(), &facts) != 0) return {};
    const std::string check = "file " + patient.config_file;
    const auto mode = facts.st_mode & 07777U;
    if ((mode & 0022U) != 0) {
        return {{check, Health::Bad, fmt::format("mode {:04o}: others than its owner can change it", mode),
                 "chmod 0640 " + patient.config_file}};
    }
    return {{check, Health::Good, fmt::format("mode {:04o}", mode)}};
}

Findings check_agent(const Patient& patient) {
    const config::Listener* door = patient.config.unix_listener();
    if (patient.agent) {
        const json::value* uptime = patient.agent->if_contains("uptime_seconds");
        return {{"agent", Health::Good,
                 fmt::format("runs as process {} since {} s", agent_pid(patient),
                             uptime != nullptr && uptime->is_int64() ? uptime->get_int64() : 0)}};
    }
    if (door != nullptr && someone_listens(door->unix_path)) {
        return {{"agent", Health::Warning, "runs, but does not tell this user how it is",
                 fmt::format("sudo sallyport doctor (or name this user under auth.peers with the role admin)")}};
    }
    return {{"agent", Health::Bad, "does not run", "systemctl start sallyport; journalctl -u sallyport -n 50"}};
}

Findings check_keks(const Patient& patient) {
    Findings findings;
    for (const config::SecretStore& store : patient.config.secret_stores) {
        for (const config::SecretFile& file : store.kek_files) {
            if (file.path.starts_with("credential:") || file.path.starts_with("env:")) {
                findings.push_back(
                    {"KEK " + file.path, Health::Good, "handed over by the unit: only the agent sees it"});
                continue;
            }
            const std::string check = "KEK file " + file.path;
            const bool is_first = &file == &store.kek_files.front();
            const auto key =
                store::read_kek_file(file.path, is_first ? store::BuiltInKey::Refuse : store::BuiltInKey::ReadOnly);
            if (key) {
                findings.push_back({check, Health::Good, "there, well-formed, closed to others"});
                continue;
            }
            std::string mend = "chown sallyport " + file.path + " && chmod 0400 " + file.path;
            if (!fs::exists(file.path))
                mend = "put it back from its copy (a new database: sallyport db create --generate-kek)";
            // What opens only for reading is the key that old releases of Barbican have built in.
            if (is_first && store::read_kek_file(file.path, store::BuiltInKey::ReadOnly)) {
                mend = "sallyport kek generate FILE, and so on (docs/operations.md, A new master key)";
            }
            findings.push_back({check, Health::Bad, key.error().message, mend});
        }
    }
    return findings;
}

Findings check_memory(const Patient& patient) {
    const auto wanted = static_cast<std::uint64_t>(patient.config.secure_memory.bytes);
    Findings findings;
    if (patient.agent) {
        const json::value* arena = patient.agent->if_contains("arena");
        const bool locked = arena != nullptr && arena->is_object() && arena->get_object().contains("locked") &&
                            arena->at("locked").is_bool() && arena->at("locked").get_bool();
        if (!locked) {
            findings.push_back(
                {"locked memory", Health::Bad, "the agent's memory for keys can be swapped out",
                 "LimitMEMLOCK=64M in the unit (systemctl edit sallyport), then systemctl restart sallyport"});
        } else {
            findings.push_back({"locked memory", Health::Good, fmt::format("{} bytes for keys are locked", wanted)});
        }
    } else {
        rlimit limit{};
        ::getrlimit(RLIMIT_MEMLOCK, &limit);
        if (::geteuid() != 0 && limit.rlim_cur < wanted) {
            findings.push_back(
                {"locked memory", Health::Warning,
                 fmt::format("this user may lock {} bytes, secure_memory.bytes asks for {}", limit.rlim_cur, wanted),
                 "ulimit -l (or LimitMEMLOCK=64M in the unit)"});
        } else {
            findings.push_back({"locked memory", Health::Good, fmt::format("{} bytes can be locked", wanted)});
        }
    }
    std::ifstream swaps("/proc/swaps");
    std::string head;
    std::getline(swaps, head);
    std::string first;
    const bool has_swap = static_cast<bool>(std::getline(swaps, first));
    const bool may_swap = patient.config.secure_memory.insecure_allow_unlocked_memory;
    if (has_swap && may_swap) {
        findings.push_back({"swap", Health::Bad, "there is swap, and insecure_allow_unlocked_memory lets keys into it",
                            "swapoff -a (or lock the memory and take the option out)"});
    } else {
        findings.push_back(
            {"swap", Health::Good, has_swap ? "there is some; locked memory does not go there" : "there is none"});
    }
    return findings;
}

Findings check_core_dumps(const Patient& patient) {
    const std::int64_t pid = agent_pid(patient);
    const std::string pattern = first_line_of("/proc/sys/kernel/core_pattern");
    const auto limit = pid == 0 ? std::nullopt : limit_of(pid, "Max core file size");
    // A pattern that is a pipe gets the dump whatever the limit; PR_SET_DUMPABLE keeps it from being made at all.
    if (limit && *limit != 0) {
        return {{"core dumps", Health::Bad,
                 fmt::format("the agent may write {} bytes of core to '{}'", *limit, pattern),
                 "LimitCORE=0 in the unit (systemctl edit sallyport), then systemctl restart sallyport"}};
    }
    return {{"core dumps", Health::Good,
             limit ? "switched off for the agent" : "the agent switches them off for itself when it starts"}};
}

Findings check_clock() {
    timex state{};
    const int status = ::adjtimex(&state);
    if (status < 0)
        return {{"clock", Health::Warning, std::string("cannot be asked: ") + std::strerror(errno), "timedatectl"}};
    if ((static_cast<unsigned>(state.status) & static_cast<unsigned>(STA_UNSYNC)) != 0) {
        return {{"clock", Health::Warning, "not synchronised: tokens and expirations are judged by it",
                 "timedatectl set-ntp true"}};
    }
    return {{"clock", Health::Good, "synchronised"}};
}

Findings check_database(const Patient& patient) {
    const std::string file = sqlite_file(patient.config.database);
    if (!file.empty()) {
        struct stat facts {};
        if (::stat(file.c_str(), &facts) != 0) {
            return {{"database", Health::Bad, fmt::format("{}: {}", file, std::strerror(errno)),
                     "sallyport db create (a lost one: docs/operations.md, Backup)"}};
        }
        if ((facts.st_mode & 0077U) != 0) {
            return {{"database", Health::Bad,
                     fmt::format("{}: mode {:04o} lets others in", file, facts.st_mode & 07777U),
                     "chmod 0600 " + file}};
        }
    }
    db::DatabaseConfig settings;
    settings.url = patient.config.database;
    settings.password_file = patient.config.database_password_file.path;
    settings.sessions = 1;
    auto database = db::make_database(settings);
    const auto read =
        database ? (*database)->read([](db::Session&) -> Result<void> { return {}; }) : Result<void>(database.error());
    if (!read) {
        return {{"database", Health::Bad, read.error().message,
                 file.empty() ? "systemctl status mariadb postgresql (on its machine)"
                              : "sudo -u sallyport sallyport doctor"}};
    }
    return {{"database", Health::Good, "can be opened and read"}};
}

Findings check_keystone(const Patient& patient) {
    if (!patient.config.auth.keystone) return {};
    const std::string& url = patient.config.auth.keystone->url;
    const auto parts = boost::urls::parse_uri(url);
    if (!parts) return {{"keystone", Health::Bad, url + " is no URL", "sallyport check-config"}};
    std::string port(parts->port());
    if (port.empty()) port = parts->scheme() == "https" ? "443" : "80";
    const auto reached = connect_tcp(std::string(parts->host_address()), port);
    if (!reached) {
        return {{"keystone", Health::Bad, reached.error().message,
                 fmt::format("curl -sS {} (is it up? is auth.keystone.url right?)", url)}};
    }
    return {{"keystone", Health::Good, url + " takes connections"}};
}

Findings check_volumes(const Patient& patient) {
    if (!patient.config.has_role(config::Role::Volumes)) return {};
    Findings findings;
    if (!fs::exists("/dev/mapper/control")) {
        findings.push_back({"device-mapper", Health::Bad, "/dev/mapper/control is not there", "modprobe dm-mod"});
    } else {
        findings.push_back({"device-mapper", Health::Good, "/dev/mapper/control is there"});
    }
    // Built in, loaded, or to be loaded when a volume is opened.
    const bool is_loaded = fs::exists("/sys/module/dm_crypt");
    findings.push_back(is_loaded ? Finding{"dm-crypt", Health::Good, "loaded"}
                                 : Finding{"dm-crypt", Health::Warning, "not loaded", "modprobe dm-crypt"});
    std::ifstream ciphers("/proc/crypto");
    std::stringstream known;
    known << ciphers.rdbuf();
    if (known.view().find("xts(") == std::string_view::npos) {
        findings.push_back(
            {"cipher aes-xts", Health::Warning, "the kernel has not loaded it", "modprobe xts; modprobe aes"});
    }
    return findings;
}

Findings check_audit(const Patient& patient) {
    if (!patient.config.audit) {
        return {{"audit log", Health::Warning, "nobody writes down who did what to which key",
                 "audit: {file: /var/log/sallyport/audit.jsonl} in " + patient.config_file}};
    }
    const config::Audit& settings = *patient.config.audit;
    Findings findings;
    if (settings.key_file.empty()) {
        findings.push_back(
            {"audit key", Health::Warning, "the chain has no key: who can write the log can make it anew",
             "openssl rand -base64 48 | install -m 0400 -o sallyport /dev/stdin /etc/sallyport/audit.key"});
    }
    const std::vector<std::string> files = audit::log_files(settings.file);
    std::uintmax_t bytes = 0;
    std::error_code failed;
    for (const std::string& file : files) bytes += fs::file_size(file, failed);
    if (files.empty()) {
        findings.push_back({"audit log", patient.agent ? Health::Bad : Health::Good, settings.file + " is not there",
                            patient.agent ? "systemctl reload sallyport" : ""});
        return findings;
    }
    if (bytes > VerifyBytes) {
        findings.push_back(
            {"audit log", Health::Good, fmt::format("{} bytes; `sallyport audit verify` reads them", bytes)});
        return findings;
    }
    auto chain = audit::load_chain(settings.key_file.path);
    const auto verdict =
        chain ? audit::verify_files(files, *chain, {.head_file = audit::head_path(settings.file), .anchor = {}})
              : Result<audit::Verdict>(chain.error());
    if (!verdict) {
        findings.push_back({"audit log", Health::Warning, verdict.error().message, "sudo sallyport audit verify"});
    } else if (verdict->broken) {
        findings.push_back(
            {"audit log", Health::Bad,
             fmt::format("{}:{}: {}", verdict->broken->file, verdict->broken->line, verdict->broken->what),
             "sallyport audit verify; compare with the copy on another machine"});
    } else {
        findings.push_back({"audit log", Health::Good, fmt::format("{} lines, the chain is whole", verdict->lines)});
    }
    return findings;
}

Findings check_room(const Patient& patient) {
    Findings findings;
    std::vector<std::string> files;
    if (const std::string file = sqlite_file(patient.config.database); !file.empty()) files.push_back(file);
    if (patient.config.audit) files.push_back(patient.config.audit->file);
    for (const std::string& file : files) {
        const std::string folder = fs::path(file).parent_path().string();
        struct statvfs facts {};
        if (::statvfs(folder.c_str(), &facts) != 0) {
            findings.push_back({"room in " + folder, Health::Bad, std::strerror(errno),
                                fmt::format("install -d -m 0750 -o sallyport {}", folder)});
            continue;
        }
        const double free =
            static_cast<double>(facts.f_bavail) / static_cast<double>(std::max<fsblkcnt_t>(facts.f_blocks, 1));
        const std::string found = fmt::format("{:.0f} % free", 100 * free);
        if (free < LeastRoom) {
            findings.push_back(
                {"room in " + folder, Health::Bad, found, fmt::format("df -h {0}; du -sh {0}/*", folder)});
        } else {
            findings.push_back({"room in " + folder, Health::Good, found});
        }
    }
    return findings;
}

Findings check_leftovers(const Patient& patient) {
    Findings findings;
    const config::Listener* door = patient.config.unix_listener();
    std::error_code failed;
    if (door != nullptr && fs::is_socket(door->unix_path, failed) && !someone_listens(door->unix_path)) {
        findings.push_back({"leftovers", Health::Warning, door->unix_path + " is a socket that nobody listens on",
                            "nothing: the next start replaces it"});
    }
    for (auto entry = fs::directory_iterator("/dev/mapper", failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        // libcryptsetup's own, for the moment in which it opens a key slot: one that stays was left by a crash.
        if (name.starts_with("temporary-cryptsetup-")) {
            findings.push_back({"leftovers", Health::Warning, "/dev/mapper/" + name + " was left by a crash",
                                "dmsetup remove " + name});
        }
    }
    if (findings.empty()) findings.push_back({"leftovers", Health::Good, "none"});
    return findings;
}

}  // namespace sallyport::cli
