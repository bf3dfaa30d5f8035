#include "integrations/volume/attacher.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "integrations/volume/file.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;

std::string mapper_path(const MappingName& name) { return "/dev/mapper/" + name.str(); }

std::string first_line(const fs::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::optional<dev_t> block_number(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) return std::nullopt;
    return status.st_rdev;
}

bool same_device(const DevicePath& a, const DevicePath& b) {
    const auto left = block_number(a.str()), right = block_number(b.str());
    if (left && right) return *left == *right;
    std::error_code failed;
    return fs::equivalent(a.str(), b.str(), failed) && !failed;
}

fs::path sysfs_of(dev_t device) {
    return "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

/// The multipath device that this one is a path of. Whoever opened the path would lose the others.
std::optional<std::string> multipath_above(const DevicePath& device) {
    const auto number = block_number(device.str());
    if (!number) return std::nullopt;
    std::error_code failed;
    for (const fs::directory_entry& holder : fs::directory_iterator(sysfs_of(*number) / "holders", failed)) {
        if (first_line(holder.path() / "dm" / "uuid").starts_with("mpath-"))
            return "/dev/mapper/" + first_line(holder.path() / "dm" / "name");
    }
    return std::nullopt;
}

std::string without_dashes(std::string uuid) {
    std::erase(uuid, '-');
    return uuid;
}

/// Nobody but root (or whoever runs this) may put something else in the link's place.
Result<void> check_folder_of(const std::string& link) {
    struct stat status {};
    const std::string folder = fs::path(link).parent_path().string();
    if (stat(folder.c_str(), &status) != 0) return error_of_errno(errno, folder, "look at");
    const bool ours = status.st_uid == 0 || status.st_uid == geteuid();
    if (ours && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
    return Error{Code::Refused, folder + " may be written by others: a link there is not replaced", {}};
}

/// Replaces a symbolic link in one step.
Result<void> point(const std::string& link, const std::string& target) {
    const std::string next = link + ".sallyport-new";
    unlink(next.c_str());
    if (symlink(target.c_str(), next.c_str()) != 0) return error_of_errno(errno, next, "make link");
    if (rename(next.c_str(), link.c_str()) == 0) return {};
    Error failed = error_of_errno(errno, link, "replace");
    unlink(next.c_str());
    return failed;
}

std::string target_text(const std::string& link) {
    std::error_code failed;
    const fs::path target = fs::read_symlink(link, failed);
    return failed ? std::string() : target.string();
}

/// The link as it was before the attach. One that somebody has changed since is his; one whose device is gone goes, as
/// udev would have had it.
Result<void> restore_link(const AttachmentRecord& record) {
    if (record.link.empty() || target_text(record.link) != mapper_path(record.name)) return {};
    std::error_code failed;
    if (fs::exists(fs::path(record.link).parent_path() / record.target, failed))
        return point(record.link, record.target);
    if (unlink(record.link.c_str()) == 0 || errno == ENOENT) return {};
    return error_of_errno(errno, record.link, "remove");
}

std::string how_to_restore(const std::string& device) {
    return "; nothing was written to it. If it was encrypted, its header is damaged: `sallyport volume header list " +
           device + "` shows the copies that were kept, `sallyport volume header restore " + device +
           "` brings one back";
}

}  // namespace

/// Where the volume is and what it will be called.
struct Attacher::Target {
    MappingName name;
    DevicePath device;   ///< itself, no link
    std::string link;    ///< to be replaced; empty: none
    std::string before;  ///< what the link says
};

MappingName os_brick_name(const DevicePath& path) {
    return MappingName("crypt-" + fs::path(path.str()).filename().string());
}

Result<Attacher::Target> Attacher::target_of(const AttachRequest& request, const std::vector<Mapping>& mappings) const {
    Target target{request.name.value_or(os_brick_name(request.path)), request.path, {}, {}};
    const std::string& path = request.path.str();
    const std::string text = target_text(path);
    if (request.replace_link) {
        if (text.empty()) return Error{Code::InvalidInput, path + " is no symbolic link", {}};
        TRY(check_folder_of(path));
        target.link = path;
        target.before = text;
    }
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    const auto leads_to = [&](const Mapping& each) { return each.path == text; };
    if (!failed) {
        target.device = DevicePath(real.string());
    } else if (std::any_of(mappings.begin(), mappings.end(), leads_to)) {
        target.device = DevicePath(text);
    } else if (text.starts_with("/dev/mapper/")) {
        return Error{
            Code::NotFound,
            path + " points to " + text + ", which is gone: a detach left it so; `udevadm trigger` makes the link anew",
            {}};
    } else {
        return error_of_errno(failed.value(), path, "follow");
    }
    return target;
}

/// The mapping of this volume, under the names that os-brick has given it in its time.
Result<std::optional<Mapping>> Attacher::mapped_already(const AttachRequest& request, const Target& target) const {
    std::vector<std::string> names{target.name.str()};
    if (!request.name) names.push_back(fs::path(request.path.str()).filename().string());
    if (!request.name && !request.multipath_id.empty()) names.push_back(request.multipath_id);
    for (Mapping& mapping : TRY(volumes_.mappings())) {
        const bool is_mapping_itself =
            mapping.path == target.device.str() || same_device(DevicePath(mapping.path), target.device);
        const bool known = std::find(names.begin(), names.end(), mapping.name.str()) != names.end();
        if (known && (is_mapping_itself || same_device(mapping.device, target.device)))
            return std::optional(std::move(mapping));
        if (is_mapping_itself)
            return Error{Code::Conflict, request.path.str() + " is the mapping " + mapping.name.str() + " itself", {}};
    }
    return std::optional<Mapping>{};
}

Result<Attachment> Attacher::adopt(const AttachRequest& request, const Target& target, Mapping mapping,
                                   const PassphraseSource& passphrase) {
    if (request.open.plain) {
        return Error{Code::Conflict,
                     "mapping " + mapping.name.str() + " exists already, on " + mapping.device.str() +
                         "; a plain volume cannot tell whether this key is its own",
                     {}};
    }
    const DevicePath header = request.open.header.value_or(mapping.device);
    const VolumeFacts facts = TRY(volumes_.inspect(header));
    if (facts.luks && !mapping.uuid.empty() && without_dashes(facts.luks->uuid) != mapping.uuid) {
        return Error{Code::Conflict,
                     "mapping " + mapping.name.str() + " is of another volume than " + mapping.device.str() +
                         " holds now: close it first",
                     {}};
    }
    if (mapping.read_only && !request.open.read_only)
        return Error{Code::Conflict, "mapping " + mapping.name.str() + " exists already, for reading alone", {}};
    const Passphrase key = TRY(passphrase());
    TRY(volumes_.test(header, key));

    AttachmentRecord record{mapping.name, mapping.device, target.link, target.before, true};
    if (auto known = TRY(records_.find(mapping.name)); known && !known->link.empty()) {
        record.link = known->link;
        record.target = known->target;
    } else if (target.before == mapping.path) {
        record.target = mapping.device.str();  // os-brick's doing, which it does not undo
    }
    TRY(records_.put(record));
    if (!record.link.empty() && target_text(record.link) != mapping.path) TRY(point(record.link, mapping.path));
    log_info("{} is mapped to {} already", mapping.device.str(), mapping.path);
    return Attachment{std::move(mapping), record.link, true, false};
}

/// Sees to it that the device holds a header; the key, if it was needed for that. True if the device was formatted.
Result<bool> Attacher::make_ready(const AttachRequest& request, const Target& target,
                                  const PassphraseSource& passphrase, std::optional<Passphrase>& key) {
    if (request.open.plain) return false;
    const std::string device = target.device.str();
    const DevicePath header = request.open.header.value_or(target.device);
    const auto facts = volumes_.inspect(header);
    const bool no_header_file = !facts && facts.error().code == Code::NotFound && request.open.header;
    if (!facts && facts.error().code == Code::Corrupt)
        return Error{Code::Refused, facts.error().message + how_to_restore(device), facts.error().detail};
    if (!facts && !(no_header_file && request.first_use)) return facts.error();
    if (facts && facts->content == Content::Luks) return false;
    const bool blank =
        no_header_file || facts->content == Content::Blank || facts->content == Content::InterruptedFormat;
    if (!blank) {
        return Error{Code::Refused, device + " holds no LUKS header, but " + facts->what + how_to_restore(device), {}};
    }
    if (!request.first_use) {
        return Error{Code::InvalidInput,
                     device +
                         " was never formatted. If the volume's own record says that it was never used, open it "
                         "with --first-use",
                     {}};
    }
    FormatOptions options = *request.first_use;
    options.force = false;
    options.header = request.open.header;
    key = TRY(passphrase());
    TRY(volumes_.format(target.device, *key, options));
    log_info("{} was blank and is formatted for its first use", device);
    return true;
}

Result<void> Attacher::undo(const AttachmentRecord& record) {
    if (auto closed = volumes_.close(record.name); !closed && closed.error().code != Code::NotFound) return closed;
    TRY(restore_link(record));
    return records_.remove(record.name);
}

Result<Attachment> Attacher::attach(const AttachRequest& request, const PassphraseSource& passphrase) {
    const MappingName name = request.name.value_or(os_brick_name(request.path));
    TRY(check_mapping_name(name));
    const AttachmentRecords::Lock lock = TRY(records_.lock());
    const std::vector<Mapping> mappings = TRY(volumes_.mappings());
    const bool live =
        std::any_of(mappings.begin(), mappings.end(), [&](const Mapping& each) { return each.name == name; });
    if (const auto left = TRY(records_.find(name)); left && !live) TRY(undo(*left));

    const Target target = TRY(target_of(request, mappings));
    if (auto mapping = TRY(mapped_already(request, target)))
        return adopt(request, target, std::move(*mapping), passphrase);
    if (const auto multipath = multipath_above(target.device)) {
        return Error{Code::Conflict,
                     target.device.str() + " is one path of the multipath device " + *multipath + ": attach that",
                     {}};
    }
    std::optional<Passphrase> key;
    const bool formatted = TRY(make_ready(request, target, passphrase, key));
    if (!key) key = TRY(passphrase());

    AttachmentRecord record{name, target.device, target.link, target.before, false};
    TRY(records_.put(record));
    auto mapping = volumes_.open(target.device, *key, name, request.open);
    if (!mapping) {
        TRY(records_.remove(name));
        return mapping.error();
    }
    record.complete = true;
    auto kept = target.link.empty() ? Result<void>() : point(target.link, mapping->path);
    if (kept) kept = records_.put(record);
    if (!kept) {
        if (auto undone = undo(record); !undone) log_error("{}", undone.error().message);
        return kept.error();
    }
    return Attachment{std::move(*mapping), target.link, false, formatted};
}

Result<void> Attacher::detach(const MappingName& name) {
    TRY(check_mapping_name(name));
    const AttachmentRecords::Lock lock = TRY(records_.lock());
    if (const auto record = TRY(records_.find(name))) return undo(*record);
    return volumes_.close(name);
}

Result<std::vector<Attachment>> Attacher::list() const {
    const std::vector<AttachmentRecord> records = records_.all();
    std::vector<Attachment> attachments;
    for (Mapping& mapping : TRY(volumes_.mappings())) {
        const auto record = std::find_if(records.begin(), records.end(),
                                         [&](const AttachmentRecord& each) { return each.name == mapping.name; });
        attachments.push_back({std::move(mapping), record == records.end() ? std::string() : record->link});
    }
    return attachments;
}

Result<void> Attacher::recover() {
    if (records_.all().empty()) return {};
    const AttachmentRecords::Lock lock = TRY(records_.lock());
    const std::vector<Mapping> mappings = TRY(volumes_.mappings());
    for (AttachmentRecord& record : records_.all()) {
        const auto live = std::find_if(mappings.begin(), mappings.end(),
                                       [&](const Mapping& each) { return each.name == record.name; });
        if (live != mappings.end() && (record.complete || !live->users.empty())) {
            log_info("adopted the mapping {} of {}", record.name.str(), record.device.str());
            record.complete = true;
            if (auto kept = records_.put(record); !kept) log_error("{}", kept.error().message);
            continue;
        }
        log_info("cleaning up after an attach of {} as {} that came to no end", record.device.str(), record.name.str());
        if (auto undone = undo(record); !undone) log_error("{}", undone.error().message);
    }
    return {};
}

}  // namespace sallyport::volume
