#include "integrations/volume/header_backup.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "integrations/volume/luks_header.h"
#include "integrations/volume/new_file.h"
#include "keymanager/base/codec.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::volume {
namespace {

constexpr std::size_t FirstBlock = 4096;
constexpr std::uint64_t LargestHeader = 256 * 1024 * 1024;                    // LUKS2's key slots take at most 128 MiB
constexpr std::array<char, 8> PackedMagic{'S', 'P', 'H', 'D', 'R', 0, 0, 1};  // the format of packed(), version 1

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

/// Where the metadata ends: LUKS1's header, or both copies of LUKS2's.
std::uint64_t metadata_end(const LuksFacts& facts) {
    return facts.version == LuksVersion::Luks1 ? FirstBlock : 2 * facts.header_copies.at(1).offset;
}

/// The stretches that are kept, by offset; those that touch each other are one.
std::vector<std::pair<std::uint64_t, std::uint64_t>> stretches_of(const LuksFacts& facts) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> wanted{{0, metadata_end(facts)}};
    for (const KeyArea& area : facts.key_areas) wanted.emplace_back(area.offset, area.offset + area.size);
    std::sort(wanted.begin(), wanted.end());
    std::vector<std::pair<std::uint64_t, std::uint64_t>> merged;
    for (const auto& [begin, end] : wanted) {
        if (!merged.empty() && begin <= merged.back().second) {
            merged.back().second = std::max(merged.back().second, end);
        } else {
            merged.emplace_back(begin, end);
        }
    }
    return merged;
}

void append_number(Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(value >> shift));
}

Error not_packed(const std::string& name) {
    return {Code::Corrupt, "the kept header of " + name + " cannot be read", "its packing is damaged"};
}

/// A file in memory that holds the extents where they belong.
Result<File> laid_out(const std::vector<HeaderBackup::Extent>& extents, std::uint64_t size) {
    File image = TRY(File::in_memory(size));
    for (const HeaderBackup::Extent& extent : extents) TRY(image.write(extent.offset, extent.bytes));
    return image;
}

}  // namespace

Result<HeaderBackup> read_header_backup(const ByteSource& source, const std::string& name) {
    auto facts = read_luks_header(source);
    if (!facts) return Error{facts.error().code, name + ": " + facts.error().message, facts.error().detail};
    if (!*facts) return Error{Code::InvalidInput, name + " has no LUKS header", {}};
    HeaderBackup backup{std::move(**facts), {}};
    for (const auto& [begin, end] : stretches_of(backup.facts)) {
        if (end > LargestHeader) return Error{Code::Corrupt, name + ": its header is too large", {}};
        HeaderBackup::Extent extent{begin, Bytes(end - begin)};
        if (TRY(source.read(begin, extent.bytes)) != extent.bytes.size()) {
            return Error{Code::Corrupt, name + " ends within its LUKS header", {}};
        }
        backup.extents.push_back(std::move(extent));
    }
    return backup;
}

Bytes packed(const HeaderBackup& backup) {
    Bytes out;
    for (const char c : PackedMagic) out.push_back(static_cast<std::byte>(c));
    append_number(out, backup.extents.size());
    for (const HeaderBackup::Extent& extent : backup.extents) {
        append_number(out, extent.offset);
        append_number(out, extent.bytes.size());
        out.insert(out.end(), extent.bytes.begin(), extent.bytes.end());
    }
    return out;
}

Result<HeaderBackup> unpacked(std::span<const std::byte> bytes, const std::string& name) {
    if (bytes.size() < PackedMagic.size() || std::memcmp(bytes.data(), PackedMagic.data(), PackedMagic.size()) != 0) {
        return not_packed(name);
    }
    bytes = bytes.subspan(PackedMagic.size());
    const auto take_number = [&bytes, &name]() -> Result<std::uint64_t> {
        if (bytes.size() < 8) return not_packed(name);
        std::uint64_t value = 0;
        for (const std::byte b : bytes.first(8)) value = value << 8 | std::to_integer<std::uint64_t>(b);
        bytes = bytes.subspan(8);
        return value;
    };
    std::vector<HeaderBackup::Extent> extents;
    std::uint64_t end = 0;
    for (std::uint64_t left = TRY(take_number()); left > 0; --left) {
        const std::uint64_t offset = TRY(take_number());
        const std::uint64_t size = TRY(take_number());
        if (size > bytes.size() || offset < end || offset > LargestHeader - size) return not_packed(name);
        extents.push_back({offset, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))});
        bytes = bytes.subspan(size);
        end = offset + size;
    }
    if (!bytes.empty()) return not_packed(name);
    const File image = TRY(laid_out(extents, round_up(end, FirstBlock)));
    HeaderBackup backup = TRY(read_header_backup(image, "the kept header of " + name));
    backup.extents = std::move(extents);
    return backup;
}

Result<std::string> digest_of(const HeaderBackup& backup) { return to_hex(TRY(crypto::sha256(packed(backup)))); }

Result<HeaderBackup> what_it_replaces(const HeaderBackup& backup, const ByteSource& device) {
    HeaderBackup replaced{backup.facts, {}};
    for (const HeaderBackup::Extent& extent : backup.extents) {
        HeaderBackup::Extent there{extent.offset, Bytes(extent.bytes.size())};
        TRY(device.read(there.offset, there.bytes));
        replaced.extents.push_back(std::move(there));
    }
    return replaced;
}

Result<void> put_header(const HeaderBackup& backup, File& device) {
    for (auto extent = backup.extents.rbegin(); extent != backup.extents.rend(); ++extent) {
        const std::size_t skip = extent->offset == 0 ? std::min(FirstBlock, extent->bytes.size()) : 0;
        TRY(device.write(extent->offset + skip, std::span(extent->bytes).subspan(skip)));
        TRY(device.sync());
    }
    const Bytes& first = backup.extents.front().bytes;
    TRY(device.write(0, std::span(first).first(std::min(FirstBlock, first.size()))));
    TRY(device.sync());
    device.drop_cache();
    const HeaderBackup there = TRY(what_it_replaces(backup, device));
    for (std::size_t i = 0; i < backup.extents.size(); ++i) {
        if (there.extents[i].bytes != backup.extents[i].bytes) {
            return Error{Code::Io,
                         device.name() + " does not hold the header that was written to it (at byte " +
                             std::to_string(backup.extents[i].offset) + ")",
                         {}};
        }
    }
    return {};
}

Result<void> write_header_file(const HeaderBackup& backup, const std::string& path) {
    NewFile out = TRY(NewFile::create(path, false));
    // cryptsetup wants the whole area; what is not in use is left as a hole.
    const std::uint64_t size = round_up(std::max(backup.facts.metadata_size, metadata_end(backup.facts)), FirstBlock);
    TRY(out.file().write(size - 1, std::array{std::byte{0}}));
    for (const HeaderBackup::Extent& extent : backup.extents) TRY(out.file().write(extent.offset, extent.bytes));
    return out.publish();
}

}  // namespace sallyport::volume
