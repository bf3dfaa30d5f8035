#include "keymanager/db/backup.h"

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "keymanager/base/codec.h"
#include "keymanager/base/durable.h"
#include "keymanager/crypto/digest.h"
#include "keymanager/db/catalog.h"
#include "keymanager/db/schema.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int Format = 1;
constexpr long PageRows = 1000;
constexpr std::string_view Canaries = "sp_canaries";
constexpr Query RemoveCanaries{"DELETE FROM sp_canaries"};
constexpr std::string_view SumsFile = "SHA256SUMS";
constexpr std::string_view ManifestFile = "manifest.json";

// How the values of these columns are written by every vendor in its own way, and by us in one.
constexpr std::array<std::string_view, 5> FlagColumns{"deleted", "active", "bind_completed", "project_access",
                                                      "global_default"};
constexpr std::array<std::string_view, 5> TimeColumns{"created_at", "updated_at", "deleted_at", "expiration",
                                                      "retry_at"};

Error cannot(std::string_view what, const std::string& path) {
    return {Code::Io, fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)), {}};
}

/// A file that grows, is flushed and closed, with mode 0600.
class NewFile {
public:
    static Result<NewFile> make(const std::string& path) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0) return cannot("make", path);
        return NewFile(file, path);
    }
    NewFile(NewFile&& other) noexcept
        : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)), text_(std::move(other.text_)) {}
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile() {
        if (file_ >= 0) ::close(file_);
    }

    Result<void> add(std::string_view text) {
        constexpr std::size_t enough = 1 << 18;
        text_ += text;
        return text_.size() < enough ? Result<void>() : write_out();
    }
    Result<void> finish() {
        TRY(write_out());
        if (::fsync(file_) != 0) return cannot("flush", path_);
        return {};
    }

private:
    NewFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
    Result<void> write_out() {
        std::string_view rest = text_;
        while (!rest.empty()) {
            const ssize_t written = ::write(file_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return cannot("write", path_);
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        text_.clear();
        return {};
    }

    int file_;
    std::string path_;
    std::string text_;
};

Result<std::string> sum_of_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return cannot("open", path);
    struct stat status {};
    const bool looked = ::fstat(file, &status) == 0;
    const auto size = static_cast<std::size_t>(looked ? status.st_size : 0);
    void* mapped = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
    ::close(file);
    if (!looked || mapped == MAP_FAILED) return cannot("read", path);
    const auto sum = crypto::sha256({static_cast<const std::byte*>(mapped), size});
    if (mapped != nullptr) ::munmap(mapped, size);
    if (!sum) return sum.error();
    return to_hex(*sum);
}

bool is_one_of(std::string_view name, const std::array<std::string_view, 5>& names) {
    return std::ranges::find(names, name) != names.end();
}

/// What makes a value the same text whichever vendor keeps it.
Result<std::string> common_form(std::string_view column, std::string_view value) {
    if (is_one_of(column, FlagColumns)) {
        if (value == "t" || value == "true") return std::string("1");
        if (value == "f" || value == "false") return std::string("0");
    }
    if (is_one_of(column, TimeColumns)) return to_sql_text(TRY(parse_iso8601(value)));
    return std::string(value);
}

std::string quoted(const std::string& name) { return '"' + name + '"'; }

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

/// Barbican's in an order in which what a row refers to comes first, then ours. The revisions are no content.
Result<std::vector<std::string>> tables_to_keep(Session& session, SchemaDialect dialect) {
    std::vector<std::string> names = barbican_table_names();
    std::erase(names, "alembic_version");
    for (const auto& name : TRY(table_names(session, dialect))) {
        if (name.starts_with("sp_") && name != "sp_schema" && name != "sp_being_made") names.push_back(name);
    }
    return names;
}

class TableWriter {
public:
    TableWriter(Session& session, NewFile file, std::string table, std::vector<std::string> columns)
        : session_(session), file_(std::move(file)), table_(std::move(table)), columns_(std::move(columns)) {}

    Result<long> write() {
        json::array names;
        for (const auto& column : columns_) names.emplace_back(column);
        TRY(file_.add(json::serialize(names) + '\n'));
        const auto id = std::ranges::find(columns_, "id");
        const auto place = static_cast<std::size_t>(id - columns_.begin());
        const bool has_id = id != columns_.end();
        std::string select;
        for (const auto& column : columns_) select += (select.empty() ? "SELECT " : ", ") + quoted(column);
        select += " FROM " + quoted(table_);
        if (has_id) select += " WHERE id > :last ORDER BY id LIMIT :limit";

        std::string last;
        while (true) {
            std::vector<Param> params;
            if (has_id) params = {Param(last), Param(PageRows)};
            long page = 0;
            std::string next;
            TRY(session_.select_once(select, static_cast<int>(columns_.size()), params,
                                     [this, &page, &next, place, has_id](Columns& row) -> Result<void> {
                                         ++page;
                                         return add_row(row, place, has_id ? &next : nullptr);
                                     }));
            rows_ += page;
            if (!has_id || page < PageRows) break;
            last = next;
        }
        TRY(file_.finish());
        return rows_;
    }

private:
    Result<void> add_row(Columns& row, std::size_t id_place, std::string* id) {
        json::array values;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const auto value = row.optional_text();
            if (id != nullptr && i == id_place) *id = value.value_or("");
            if (value) {
                values.emplace_back(TRY(common_form(columns_[i], *value)));
            } else {
                values.emplace_back(nullptr);
            }
        }
        return file_.add(json::serialize(values) + '\n');
    }

    Session& session_;
    NewFile file_;
    const std::string table_;
    const std::vector<std::string> columns_;
    long rows_ = 0;
};

Result<void> make_folder(const std::string& folder) {
    std::error_code failed;
    fs::create_directory(folder, failed);
    if (failed) return Error{Code::Io, fmt::format("cannot make the folder '{}': {}", folder, failed.message()), {}};
    if (!fs::is_empty(folder, failed) || failed) {
        return Error{
            Code::Conflict, fmt::format("the folder '{}' is not empty: a backup needs one of its own", folder), {}};
    }
    fs::permissions(folder, fs::perms::owner_all, failed);
    fs::create_directory(folder + "/tables", failed);
    if (failed) return Error{Code::Io, fmt::format("cannot write into the folder '{}'", folder), failed.message()};
    return {};
}

/// What a backup that failed has written so far goes again; a folder that was there before stays, empty as it was.
class HalfBackup {
public:
    explicit HalfBackup(std::string folder, bool is_new) : folder_(std::move(folder)), is_new_(is_new) {}
    ~HalfBackup() {
        if (folder_.empty()) return;
        std::error_code ignored;
        fs::remove_all(folder_ + "/tables", ignored);
        fs::remove(folder_ + '/' + std::string(ManifestFile), ignored);
        fs::remove(folder_ + '/' + std::string(SumsFile), ignored);
        if (is_new_) fs::remove(folder_, ignored);
    }
    HalfBackup(const HalfBackup&) = delete;
    HalfBackup& operator=(const HalfBackup&) = delete;
    void is_whole() { folder_.clear(); }

private:
    std::string folder_;
    bool is_new_;
};

Result<void> write_file(const std::string& path, std::string_view text) {
    NewFile file = TRY(NewFile::make(path));
    TRY(file.add(text));
    return file.finish();
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) return Error{Code::InvalidInput, fmt::format("'{}' cannot be read: is this a backup?", path), {}};
    return text;
}

Error damaged(const std::string& file) {
    return {Code::Corrupt, fmt::format("'{}' is not what the backup wrote: its SHA-256 differs", file), {}};
}

/// "sum  name" a line. The manifest and every file of it must be named.
Result<std::map<std::string, std::string>> read_sums(const std::string& folder) {
    std::map<std::string, std::string> sums;
    const std::string text = TRY(read_file(folder + '/' + std::string(SumsFile)));
    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        constexpr std::size_t digits = 64;
        if (line.size() <= digits + 2) return Error{Code::Corrupt, "SHA256SUMS of the backup is damaged", {}};
        sums[line.substr(digits + 2)] = line.substr(0, digits);
    }
    return sums;
}

Result<void> check_sum(const std::map<std::string, std::string>& sums, const std::string& folder,
                       const std::string& name) {
    const auto sum = sums.find(name);
    if (sum == sums.end() || TRY(sum_of_file(folder + '/' + name)) != sum->second) return damaged(name);
    return {};
}

struct Manifest {
    BackupReport report;
    std::vector<std::string> tables;
};

Result<Manifest> read_manifest(const std::string& folder) {
    const std::string text = TRY(read_file(folder + '/' + std::string(ManifestFile)));
    const Error no_backup{Code::InvalidInput, "manifest.json is none of a backup that this program can read", {}};
    boost::system::error_code failed;
    const json::value parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) return no_backup;
    const json::object& object = parsed.get_object();
    const json::value* format = object.if_contains("format");
    const json::value* revision = object.if_contains("alembic_revision");
    const json::value* tables = object.if_contains("tables");
    if (format == nullptr || *format != Format || revision == nullptr || !revision->is_string() || tables == nullptr ||
        !tables->is_array()) {
        return no_backup;
    }
    Manifest manifest;
    manifest.report.revision = std::string(revision->get_string());
    if (manifest.report.revision != AlembicRevision) {
        return Error{Code::InvalidInput,
                     fmt::format("the backup is of Alembic revision '{}', this program needs '{}'",
                                 manifest.report.revision, AlembicRevision),
                     {}};
    }
    for (const json::value& table : tables->get_array()) {
        if (!table.is_string() || !is_name(std::string_view(table.get_string()))) return no_backup;
        manifest.tables.emplace_back(table.get_string());
    }
    return manifest;
}

Result<void> refuse_if_filled(Session& session, const std::vector<std::string>& tables) {
    for (const auto& table : tables) {
        if (table == Canaries) continue;  // planted by `db create`; no data
        bool has_row = false;
        TRY(session.select_once("SELECT 1 FROM " + quoted(table) + " LIMIT 1", 1, {},
                                [&has_row](Columns&) -> Result<void> {
                                    has_row = true;
                                    return {};
                                }));
        if (has_row) {
            return Error{
                Code::Conflict,
                fmt::format("the database holds rows already (in {}): a backup is restored into an empty one", table),
                {}};
        }
    }
    return {};
}

/// One table's file, row by row, into the database.
Result<long> fill_table(Session& session, SchemaDialect dialect, const std::string& folder, const std::string& table) {
    const std::string path = folder + "/tables/" + table + ".jsonl";
    std::ifstream file(path, std::ios::binary);
    const Error bad{Code::Corrupt, fmt::format("'{}' holds no rows that can be read", path), {}};
    std::string line;
    if (!std::getline(file, line)) return bad;
    boost::system::error_code failed;
    const json::value names = json::parse(line, failed);
    if (failed || !names.is_array()) return bad;

    const auto known = TRY(column_names(session, dialect, table));
    if (known.empty()) {
        return Error{
            Code::InvalidInput, fmt::format("the backup has a table that this database has not: {}", table), {}};
    }
    std::string columns, places;
    for (const json::value& name : names.get_array()) {
        // Only what the database itself names gets into the statement.
        const auto is_known =
            name.is_string() ? std::ranges::find(known, std::string_view(name.get_string())) : known.end();
        if (is_known == known.end()) return bad;
        places += fmt::format("{}:v{}", places.empty() ? "" : ", ", std::ranges::count(columns, '"') / 2);
        columns += (columns.empty() ? "" : ", ") + quoted(*is_known);
    }
    const std::size_t width = names.get_array().size();

    long rows = 0;
    std::vector<std::optional<std::string>> values(width);
    std::optional<Error> wrong;
    const auto next = [&](std::vector<Param>& params) -> Result<bool> {
        if (!std::getline(file, line)) return false;
        boost::system::error_code unreadable;
        const json::value row = json::parse(line, unreadable);
        if (unreadable || !row.is_array() || row.get_array().size() != width) return bad;
        for (std::size_t i = 0; i < width; ++i) {
            const json::value& value = row.get_array()[i];
            if (!value.is_null() && !value.is_string()) return bad;
            values[i].reset();
            if (value.is_string()) values[i] = std::string(value.get_string());
        }
        params.clear();
        for (const auto& value : values) params.emplace_back(value);
        ++rows;
        return true;
    };
    TRY(session.execute_each(fmt::format("INSERT INTO {} ({}) VALUES ({})", quoted(table), columns, places), next));
    return rows;
}

}  // namespace

Result<BackupReport> write_backup(Database& database, const std::string& folder, Timestamp now) {
    if (!TRY(database.read([](Session& session) { return is_schema_made(session); }))) {
        return Error{Code::Conflict, "the database has no tables, or older ones: open it with the agent first", {}};
    }
    std::error_code failed;
    const bool is_new = !fs::exists(folder, failed);
    TRY(make_folder(folder));
    HalfBackup half(folder, is_new);
    bool is_first_try = true;
    BackupReport report = TRY(database.read([&](Session& session) -> Result<BackupReport> {
        // Read work may run again after a lost connection: with a folder that holds half of a backup.
        if (!is_first_try) return Error{Code::Unavailable, "the database went away during the backup: begin anew", {}};
        is_first_try = false;
        BackupReport written;
        written.revision = AlembicRevision;
        std::string sums;
        json::array names;
        for (const auto& table : TRY(tables_to_keep(session, database.dialect()))) {
            const std::string name = "tables/" + table + ".jsonl";
            TableWriter writer(session, TRY(NewFile::make(folder + '/' + name)), table,
                               TRY(column_names(session, database.dialect(), table)));
            const long rows = TRY(writer.write());
            ++written.tables;
            written.rows += rows;
            if (table == "secrets") written.secrets = rows;
            names.emplace_back(table);
            const std::string sum = TRY(sum_of_file(folder + '/' + name));
            sums += sum + "  " + name + '\n';
        }
        const json::object manifest{{"format", Format},
                                    {"made_at", to_sql_text(now)},
                                    {"alembic_revision", written.revision},
                                    {"own_revision", OwnRevision},
                                    {"rows", written.rows},
                                    {"secrets", written.secrets},
                                    {"tables", std::move(names)}};
        TRY(write_file(folder + '/' + std::string(ManifestFile), json::serialize(manifest) + '\n'));
        const std::string sum = TRY(sum_of_file(folder + '/' + std::string(ManifestFile)));
        sums += sum + "  " + std::string(ManifestFile) + '\n';
        TRY(write_file(folder + '/' + std::string(SumsFile), sums));
        return written;
    }));
    TRY(flush_folder_of(folder + "/tables/x"));
    TRY(flush_folder_of(folder + "/x"));
    TRY(flush_folder_of(fs::absolute(folder, failed).string()));
    half.is_whole();
    return report;
}

Result<BackupReport> restore_backup(Database& database, const std::string& folder) {
    const auto sums = TRY(read_sums(folder));
    TRY(check_sum(sums, folder, std::string(ManifestFile)));
    Manifest manifest = TRY(read_manifest(folder));
    for (const auto& table : manifest.tables) TRY(check_sum(sums, folder, "tables/" + table + ".jsonl"));
    TRY(database.create_schema());
    return database.write([&](Session& session) -> Result<BackupReport> {
        BackupReport restored = manifest.report;
        TRY(refuse_if_filled(session, TRY(tables_to_keep(session, database.dialect()))));
        TRY(session.execute(RemoveCanaries, {}));
        for (const auto& table : manifest.tables) {
            const long rows = TRY(fill_table(session, database.dialect(), folder, table));
            ++restored.tables;
            restored.rows += rows;
            if (table == "secrets") restored.secrets = rows;
        }
        return restored;
    });
}

}  // namespace sallyport::db
