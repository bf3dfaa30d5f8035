#include "integrations/volume/probe.h"

#include <blkid/blkid.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "integrations/volume/luks_header.h"
#include "integrations/volume/qcow2.h"
#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::volume {
namespace {

constexpr std::size_t ReadSize = 1024 * 1024;

using BlkidProbe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, crypto::Freer<blkid_free_probe>>;

bool all_zero(std::span<const std::byte> bytes) {
    // Comparing the bytes with themselves, one further on, is how memcmp's vector code gets to do the work.
    return bytes.empty() ||
           (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

Result<std::optional<std::uint64_t>> first_data_between(const File& file, std::uint64_t begin, std::uint64_t end) {
    Bytes buffer(ReadSize);
    for (std::uint64_t at = file.next_data(begin); at < end; at = file.next_data(at)) {
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(ReadSize, end - at));
        const std::size_t got = TRY(file.read(at, std::span(buffer).first(wanted)));
        const auto read = std::span<const std::byte>(buffer).first(got);
        if (!all_zero(read)) {
            const auto found = std::find_if(read.begin(), read.end(), [](std::byte b) { return b != std::byte{0}; });
            return std::optional(at + static_cast<std::uint64_t>(found - read.begin()));
        }
        if (got < wanted) break;
        at += got;
    }
    return std::optional<std::uint64_t>{};
}

struct Found {
    Content content;
    std::string what;
};

std::string blkid_value(blkid_probe probe, const char* name) {
    const char* value = nullptr;
    return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 && value != nullptr ? value : "";
}

/// What libblkid knows of it; nullopt if nothing.
Result<std::optional<Found>> ask_blkid(const File& file) {
    const BlkidProbe probe(blkid_new_probe());
    if (!probe || blkid_probe_set_device(probe.get(), file.descriptor(), 0, 0) != 0) {
        return Error{Code::Io, "libblkid cannot look at " + file.name(), {}};
    }
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_BADCSUM);
    blkid_probe_enable_partitions(probe.get(), 1);
    // One call finds one signature (and blkid_do_safeprobe would give up where there are two). A LUKS header is our own
    // business; whatever else is there decides.
    std::optional<Found> found;
    for (;;) {
        const int rc = blkid_do_probe(probe.get());
        if (rc == 1) return found;
        if (rc != 0) {
            return Error{Code::Io, "libblkid cannot read " + file.name() + ": it is not treated as empty", {}};
        }
        if (std::string table = blkid_value(probe.get(), "PTTYPE"); !table.empty()) {
            return std::optional(Found{Content::PartitionTable, std::move(table)});
        }
        std::string type = blkid_value(probe.get(), "TYPE");
        const bool file_system = blkid_value(probe.get(), "USAGE") == "filesystem";
        const bool luks = type == "crypto_LUKS";
        found = Found{file_system ? Content::FileSystem : Content::Signature, std::move(type)};
        if (!luks) return found;
    }
}

/// Disk images of hypervisors: what looks like data is a file format with its own encryption.
std::optional<std::string> disk_image_format(std::span<const std::byte> start) {
    static constexpr std::pair<std::string_view, std::string_view> Magics[] = {
        {"QFI\xfb", "qcow2"}, {"KDMV", "vmdk"}, {"vhdxfile", "vhdx"}, {"conectix", "vpc"}, {"QED\0", "qed"}};
    for (const auto& [magic, name] : Magics) {
        if (sallyport::text_of(start).starts_with(magic)) return std::string(name);
    }
    return std::nullopt;
}

}  // namespace

std::string_view format_marker() { return "sallyport: format in progress; nothing else is on this device\n"; }

std::string_view text_of(Content content) {
    switch (content) {
        case Content::Luks: return "luks";
        case Content::InterruptedFormat: return "interrupted_format";
        case Content::FileSystem: return "file_system";
        case Content::PartitionTable: return "partition_table";
        case Content::Signature: return "signature";
        case Content::DiskImage: return "disk_image";
        case Content::UnknownData: return "unknown_data";
        case Content::Blank: return "blank";
    }
    return {};
}

Result<std::optional<std::uint64_t>> first_data(const File& file) {
    const std::uint64_t size = file.size();
    if (size <= 2 * EmptyEnds) return first_data_between(file, 0, size);
    const std::optional<std::uint64_t> at_start = TRY(first_data_between(file, 0, EmptyEnds));
    if (at_start) return at_start;
    return first_data_between(file, size - EmptyEnds, size);
}

Result<VolumeFacts> probe(const File& file) {
    VolumeFacts facts;
    facts.size = file.size();
    std::array<std::byte, 4096> start{};
    const std::size_t got = TRY(file.read(0, start));
    if (sallyport::text_of(start).starts_with(format_marker())) {
        facts.content = Content::InterruptedFormat;
        facts.what = "a format that was interrupted";
        return facts;
    }
    auto luks = read_luks_header(file);
    if (!luks) return Error{luks.error().code, file.name() + ": " + luks.error().message, luks.error().detail};
    const bool primary = *luks && (*luks)->header_copies.front().state != HeaderCopyState::Absent;
    const std::optional<Found> known = primary ? std::nullopt : TRY(ask_blkid(file));
    // A secondary header under a newer file system is a left-over; libcryptsetup will not use it either.
    if (*luks && (!known || known->what == "crypto_LUKS")) {
        facts.content = Content::Luks;
        facts.what = text_of((*luks)->version);
        facts.luks = std::move(*luks);
        return facts;
    }
    if (auto image = disk_image_format(std::span(start).first(got))) {
        facts.content = Content::DiskImage;
        facts.what = std::move(*image);
        if (const std::optional<Window> header = TRY(luks_header_of_qcow2(file))) {
            facts.luks = TRY(read_luks_header(*header));
            facts.what += " with LUKS inside";
        }
        return facts;
    }
    if (known) {
        facts.content = known->content;
        facts.what = known->what;
        return facts;
    }
    if (const std::optional<std::uint64_t> data = TRY(first_data(file))) {
        facts.content = Content::UnknownData;
        facts.what = "data without a header that is known (first at byte " + std::to_string(*data) + ")";
        return facts;
    }
    facts.content = Content::Blank;
    facts.what = "zeros";
    return facts;
}

}  // namespace sallyport::volume
