#include <fcntl.h>
#include <libcryptsetup.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "integrations/volume/device_users.h"
#include "integrations/volume/file.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/new_file.h"
#include "integrations/volume/plain.h"
#include "integrations/volume/probe.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t FirstBlock = 4096;
constexpr std::size_t CopySize = 1024 * 1024;

/// `format` takes a device only if nothing is lost by it.
Result<bool> ends_must_be_cleared(const File& file, bool force) {
    auto found = probe(file);
    if (!found) {
        if (found.error().code == Code::Io) return found.error();
        if (force) return true;
        return Error{Code::Refused, found.error().message + "; format it only with force", found.error().detail};
    }
    if (found->content == Content::Blank) return false;
    if (found->content == Content::InterruptedFormat || force) return true;
    return Error{Code::Refused,
                 file.name() + " is not empty: it holds " + found->what + "; format destroys that only with force",
                 {}};
}

Result<void> write_zeros(File& file, std::uint64_t begin, std::uint64_t end) {
    const Bytes zeros(CopySize);
    for (std::uint64_t at = begin; at < end; at += std::min<std::uint64_t>(CopySize, end - at)) {
        TRY(file.write(at,
                       std::span(zeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(CopySize, end - at)))));
    }
    return {};
}

/// A disk that reports writes it has lost is found now, and not when the guest's data is gone.
Result<void> compare(const File& written, const File& device, std::uint64_t begin, std::uint64_t end) {
    device.drop_cache();
    Bytes expected(CopySize), found(CopySize);
    for (std::uint64_t at = begin; at < end;) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(CopySize, end - at));
        const std::size_t a = TRY(written.read(at, std::span(expected).first(size)));
        const std::size_t b = TRY(device.read(at, std::span(found).first(size)));
        if (a != size || b != size || std::memcmp(expected.data(), found.data(), size) != 0) {
            return Error{Code::Io,
                         device.name() + " does not hold what was written to it (within 1 MiB of byte " +
                             std::to_string(at) + ")",
                         {}};
        }
        at += size;
    }
    return {};
}

/// Puts a finished header on the device so that it may be killed at any point: first the marker, which says that
/// nothing here is worth keeping, then all but the first block, and the first block, which makes it a volume, last.
/// Each step is on the disk before the next begins. Until the last, `probe` finds an interrupted format.
Result<void> put_on_device(const NewHeader& header, File& device, bool clear_ends) {
    const std::uint64_t data_offset = header.key.data_offset;
    Bytes first(FirstBlock);
    const std::string_view marker = format_marker();
    std::memcpy(first.data(), marker.data(), marker.size());
    TRY(device.write(0, first));
    TRY(device.sync());

    TRY(copy_bytes(header.image, device, FirstBlock, data_offset));
    if (clear_ends) {
        // Left-overs there would make libblkid (and with it udev, mount, mdadm) see what the device was before.
        const std::uint64_t size = device.size();
        const std::uint64_t head_end = std::min(size, std::max(EmptyEnds, data_offset));
        TRY(write_zeros(device, data_offset, head_end));
        TRY(write_zeros(device, std::max(head_end, size > EmptyEnds ? size - EmptyEnds : 0), size));
    }
    TRY(device.sync());
    TRY(compare(header.image, device, FirstBlock, data_offset));

    TRY(copy_bytes(header.image, device, 0, FirstBlock));
    TRY(device.sync());
    return compare(header.image, device, 0, FirstBlock);
}

bool is_mapping_name(const std::string& name) {
    // What device-mapper takes without mangling, less what would be a path.
    return !name.empty() && name.size() < 128 && name[0] != '.' && name != "control" &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      std::strchr("#+-.:=@_", c) != nullptr;
           });
}

std::string first_line(const fs::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

/// A dm device of sysfs as a mapping; nullopt if it is not dm-crypt's.
std::optional<Mapping> mapping_from_sysfs(const fs::path& entry) {
    // dm's UUID is CRYPT-<type>-<uuid>-<name>; the kernel keeps it as libcryptsetup wrote it.
    const std::string uuid = first_line(entry / "dm" / "uuid");
    if (!uuid.starts_with("CRYPT-")) return std::nullopt;
    Mapping mapping;
    mapping.type = uuid.substr(6, uuid.find('-', 6) - 6);
    if (mapping.type.starts_with("LUKS")) {
        constexpr std::size_t UuidSize = 32;
        mapping.uuid = uuid.substr(std::min(uuid.size(), 6 + mapping.type.size() + 1), UuidSize);
    }
    mapping.name = MappingName(first_line(entry / "dm" / "name"));
    mapping.path = "/dev/mapper/" + mapping.name.str();
    std::istringstream(first_line(entry / "size")) >> mapping.size;
    mapping.size *= 512;
    mapping.read_only = first_line(entry / "ro") == "1";
    std::error_code failed;
    for (const fs::directory_entry& slave : fs::directory_iterator(entry / "slaves", failed)) {
        mapping.device = DevicePath("/dev/" + slave.path().filename().string());
    }
    unsigned high = 0, low = 0;
    char colon = 0;
    std::istringstream number(first_line(entry / "dev"));
    if (number >> high >> colon >> low) mapping.users = users_of_block_device(makedev(high, low));
    return mapping;
}

/// A device-mapper device (an entry of /sys/block) or one below it lets nothing through at the moment.
bool is_suspended(const fs::path& entry) {
    if (first_line(entry / "dm" / "suspended") == "1") return true;
    std::error_code failed;
    for (const fs::directory_entry& below : fs::directory_iterator(entry / "slaves", failed)) {
        if (is_suspended("/sys/block" / below.path().filename())) return true;
    }
    return false;
}

/// Removing a mapping would wait for what a killed re-encryption has left suspended, without end.
Result<void> check_not_suspended(const MappingName& name) {
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator("/sys/block", failed)) {
        if (first_line(entry.path() / "dm" / "name") != name.str() || !is_suspended(entry.path())) continue;
        return Error{Code::Conflict,
                     "mapping " + name.str() +
                         " is suspended, by a re-encryption that runs or was killed: let it go on first (sallyport "
                         "volume reencrypt --in-use)",
                     {}};
    }
    return {};
}

class Luks final : public VolumeEncryptor {
public:
    explicit Luks(const LuksLimits& limits) : limits_(limits) {}

    Result<VolumeFacts> inspect(const DevicePath& device) const override {
        const File file = TRY(File::open(device, File::Access::Read));
        return probe(file);
    }

    Result<VolumeFacts> format(const DevicePath& device, const Passphrase& passphrase,
                               const FormatOptions& options) override {
        File file = TRY(File::open(device, File::Access::Exclusive));
        const bool clear_ends = TRY(ends_must_be_cleared(file, options.force));
        if (options.header) return format_apart(file, passphrase, options, clear_ends);
        const NewHeader header = TRY(make_header(file.size(), file.name(), passphrase, options));
        TRY(put_on_device(header, file, clear_ends));
        return probe(file);
    }

    Result<int> test(const DevicePath& device, const Passphrase& passphrase) const override {
        const File file = TRY(File::open(device, File::Access::Read));
        const VolumeFacts facts = TRY(probe(file));
        LuksDevice luks = TRY(load_without_writing(file, facts, limits_));
        return luks.unlock(passphrase, nullptr, 0);
    }

    Result<Mapping> open(const DevicePath& device, const Passphrase& passphrase, const MappingName& name,
                         const OpenOptions& options) override {
        TRY(check_mapping_name(name));
        std::uint32_t flags = 0;
        if (options.read_only) flags |= CRYPT_ACTIVATE_READONLY;
        if (options.allow_discards) flags |= CRYPT_ACTIVATE_ALLOW_DISCARDS;
        if (options.plain) return open_plain(device, passphrase, name, *options.plain, flags);
        const DevicePath& header = options.header ? *options.header : device;
        const LuksFacts facts = TRY(luks_facts(header));
        if (facts.data_offset == 0 && !options.header) {
            return Error{Code::InvalidInput,
                         device.str() + " is the detached header of a volume: name the volume, and this as its header",
                         {}};
        }
        TRY(check_limits(facts, limits_, device.str()));
        if (facts.reencryption_is_over) TRY(finish_reencryption(header));
        LuksDevice luks = TRY(LuksDevice::load(header.str(), device.str(), facts.version, limits_));
        if (options.header) TRY(luks.use_data_device(device.str()));
        auto slot = luks.unlock(passphrase, &name, flags);
        if (!slot) return explain_open(slot.error(), device, name);
        log_info("{} is mapped to /dev/mapper/{} through key slot {}", device.str(), name.str(), *slot);
        return find_mapping(name);
    }

    Result<void> close(const MappingName& name) override {
        TRY(check_mapping_name(name));
        TRY(find_mapping(name));
        TRY(check_not_suspended(name));
        auto removed = remove_mapping(name);
        if (removed || removed.error().code != Code::Conflict) return removed;
        auto mapping = find_mapping(name);
        if (!mapping || mapping->users.empty()) return removed;
        return Error{Code::Conflict, "mapping " + name.str() + " is in use: " + joined(mapping->users),
                     removed.error().detail};
    }

    Result<Mapping> resize(const MappingName& name, const Passphrase* passphrase) override {
        TRY(check_mapping_name(name));
        TRY(find_mapping(name));
        TRY(LuksDevice::resize(name, passphrase, limits_));
        return find_mapping(name);
    }

    Result<std::vector<Mapping>> mappings() const override {
        std::vector<Mapping> found;
        std::error_code failed;
        for (const fs::directory_entry& entry : fs::directory_iterator("/sys/block", failed)) {
            if (auto mapping = mapping_from_sysfs(entry.path())) found.push_back(std::move(*mapping));
        }
        if (failed) return Error{Code::Io, "cannot list block devices: " + failed.message(), {}};
        std::sort(found.begin(), found.end(), [](const Mapping& a, const Mapping& b) { return a.name < b.name; });
        return found;
    }

private:
    /// The header appears last: until then the device is as good as blank.
    Result<VolumeFacts> format_apart(File& device, const Passphrase& passphrase, const FormatOptions& options,
                                     bool clear_ends) {
        NewFile target = TRY(NewFile::create(options.header->str(), false));
        const NewHeader header = TRY(make_detached_header(device.size(), device.name(), passphrase, options));
        if (clear_ends) {
            const std::uint64_t size = device.size();
            const std::uint64_t head_end = std::min(size, EmptyEnds);
            TRY(write_zeros(device, 0, head_end));
            TRY(write_zeros(device, std::max(head_end, size > EmptyEnds ? size - EmptyEnds : 0), size));
            TRY(device.sync());
        }
        TRY(copy_bytes(header.image, target.file(), 0, header.size));
        TRY(target.publish());
        return inspect(*options.header);
    }

    Result<Mapping> open_plain(const DevicePath& device, const Passphrase& passphrase, const MappingName& name,
                               const PlainOptions& options, std::uint32_t flags) {
        {
            const File file = TRY(File::open(device, File::Access::Read));
            TRY(must_hold_nothing_known(file));
        }
        const VolumeKey key = TRY(plain_volume_key(passphrase, options));
        if (auto mapped = map_plain(device.str(), key, name, flags); !mapped)
            return explain_open(mapped.error(), device, name);
        log_info("{} is mapped to /dev/mapper/{} as a plain volume", device.str(), name.str());
        return find_mapping(name);
    }

    /// As libcryptsetup mends a header that it finds half written.
    static Result<void> finish_reencryption(const DevicePath& header) {
        File file = TRY(File::open(header, File::Access::Write));
        TRY(file.lock_header());
        const VolumeFacts facts = TRY(probe(file));
        if (!facts.luks || !facts.luks->reencryption_is_over) return {};
        return finish_luks2_reencryption(file, *facts.luks);
    }

    Result<LuksFacts> luks_facts(const DevicePath& device) const {
        const File file = TRY(File::open(device, File::Access::Read));
        VolumeFacts facts = TRY(probe(file));
        if (facts.content != Content::Luks) return not_luks(file.name(), facts);
        return std::move(*facts.luks);
    }

    Result<Mapping> find_mapping(const MappingName& name) const {
        std::vector<Mapping> all = TRY(mappings());
        for (Mapping& mapping : all) {
            if (mapping.name == name) return std::move(mapping);
        }
        return Error{Code::NotFound, "there is no dm-crypt mapping " + name.str(), {}};
    }

    /// libcryptsetup knows that something is in the way, but not who.
    Error explain_open(Error failed, const DevicePath& device, const MappingName& name) const {
        if (failed.code != Code::Conflict && failed.code != Code::Io) return failed;
        if (auto taken = find_mapping(name)) {
            return {Code::Conflict,
                    "mapping " + name.str() + " exists already, on " + taken->device.str() + " (" + taken->type + ")",
                    failed.detail};
        }
        struct stat status {};
        if (failed.code != Code::Conflict || stat(device.str().c_str(), &status) != 0 || !S_ISBLK(status.st_mode))
            return failed;
        const std::vector<std::string> users = users_of_block_device(status.st_rdev);
        if (!users.empty()) return {Code::Conflict, device.str() + " is in use: " + joined(users), failed.detail};
        return failed;
    }

    LuksLimits limits_;
};

}  // namespace

Result<void> check_mapping_name(const MappingName& name) {
    if (is_mapping_name(name.str())) return {};
    return Error{Code::InvalidInput,
                 "'" + name.str() + "' cannot name a mapping: use up to 127 letters, digits and #+-.:=@_",
                 {}};
}

std::unique_ptr<VolumeEncryptor> make_luks_encryptor(const LuksLimits& limits) {
    return std::make_unique<Luks>(limits);
}

}  // namespace sallyport::volume
