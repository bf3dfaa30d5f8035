#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/ini_file.h"

namespace sallyport::migration {

/// What oslo.config answers a service that is started with these files:
/// `OsloConfig::read({"/etc/cinder/cinder.conf"})`.
///
/// Of a single-valued option the last file that has it wins, and in a file the last line; an option's own name wins
/// over its deprecated ones (oslo_names.h) in the same file only. Names of groups are compared without case, but
/// [DEFAULT] as it is; an option `my-name` is written my_name in files. `$name`, `${name}` and `$group.name` stand for
/// other options' values, `$$` and `\$` for a '$'.
///
/// Two things oslo.config does that cannot be done from here: which options a service has registered is known for a few
/// only (oslo_names.h), so that a reference to any other is looked up in the files; and what stands in the service's
/// environment (OS_GROUP__OPTION) would win over its files.
///
/// Values stay in locked memory and no error quotes one. Immutable once read: any thread may ask.
class OsloConfig {
public:
    /// Where the value of an option stands.
    struct Place {
        std::string file;
        std::size_t line;
    };

    /// Reads files in this order; a folder stands for its *.conf, as --config-dir.
    /// Error: as read_config_text and IniFile::parse.
    static Result<OsloConfig> read(std::span<const std::string> paths);
    static Result<OsloConfig> read(const std::string& path) { return read(std::span(&path, 1)); }
    /// The same for files that are parsed already.
    explicit OsloConfig(std::vector<IniFile> files) : files_(std::move(files)) {}

    const std::vector<IniFile>& files() const { return files_; }

    /// Nothing if no file sets the option; set to nothing (`name =`) it is empty. Defaults are the caller's business.
    /// Error, with file and line: `InvalidInput` if the value refers to an option that is set nowhere, or to itself.
    Result<std::optional<std::string>> text(std::string_view group, std::string_view name) const;
    /// The same for passwords, keys and URLs that hold one: never outside locked memory.
    Result<std::optional<SecureBytes>> secret(std::string_view group, std::string_view name) const;
    /// All values of an option, of all files, with the places where they stand: those that later ones outdo as well.
    struct PlacedSecret {
        Place place;
        SecureBytes value;
    };
    Result<std::vector<PlacedSecret>> secrets(std::string_view group, std::string_view name) const;
    /// All values of an option that may be given more than once (MultiStrOpt), of all files.
    Result<std::vector<std::string>> texts(std::string_view group, std::string_view name) const;
    /// true, 1, on, yes, false, 0, off, no, in any case. Error: `InvalidInput` for anything else.
    Result<std::optional<bool>> boolean(std::string_view group, std::string_view name) const;
    /// As Python's int() reads it ("+1_000"); nothing if it is empty. Error: `InvalidInput`, also beyond 64 bits.
    Result<std::optional<std::int64_t>> integer(std::string_view group, std::string_view name) const;

    std::optional<Place> place_of(std::string_view group, std::string_view name) const;

private:
    struct Found {
        const IniFile* file;
        std::size_t index;
    };
    class Expansion;

    static Place place_of(const Found& found);
    std::optional<Found> find(std::string_view group, std::string_view name) const;
    std::vector<Found> find_all(std::string_view group, std::string_view name) const;

    std::vector<IniFile> files_;
};

/// True if both names mean the same group to oslo.config.
bool same_group(std::string_view a, std::string_view b);

}  // namespace sallyport::migration
