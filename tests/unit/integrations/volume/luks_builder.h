#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/digest.h"

namespace sallyport::volume {

/// Builds LUKS headers byte by byte after the specifications, so that each field can be broken by itself.
inline void put_number(Bytes& bytes, std::size_t offset, std::size_t size, std::uint64_t value) {
    for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
}
inline void put_text(Bytes& bytes, std::size_t offset, std::string_view text) {
    const auto source = bytes_of(text);
    std::copy(source.begin(), source.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline constexpr std::string_view LuksMagic = "LUKS\xba\xbe";
inline constexpr std::string_view SecondaryLuksMagic = "SKUL\xba\xbe";

/// A LUKS1 header of 64-byte keys with key slot 0 in use, as cryptsetup lays it out.
inline Bytes luks1_header() {
    Bytes bytes(4096);
    put_text(bytes, 0, LuksMagic);
    put_number(bytes, 6, 2, 1);
    put_text(bytes, 8, "aes");
    put_text(bytes, 40, "xts-plain64");
    put_text(bytes, 72, "sha256");
    put_number(bytes, 104, 4, 4096);
    put_number(bytes, 108, 4, 64);
    put_text(bytes, 168, "4ef6a0d2-c1aa-4075-8954-516b223a651e");
    for (std::size_t i = 0; i < 8; ++i) {
        put_number(bytes, 208 + 48 * i, 4, i == 0 ? 0x00AC71F3 : 0x0000DEAD);
        put_number(bytes, 208 + 48 * i + 4, 4, 1000);
        put_number(bytes, 208 + 48 * i + 40, 4, 8 + 504 * i);
        put_number(bytes, 208 + 48 * i + 44, 4, 4000);
    }
    return bytes;
}

inline constexpr std::size_t Luks2HeaderSize = 16384;

inline std::string luks2_json() {
    return R"({"keyslots":{"0":{"type":"luks2","key_size":64,"af":{"type":"luks1","stripes":4000,"hash":"sha256"},)"
           R"("area":{"type":"raw","offset":"32768","size":"258048","encryption":"aes-xts-plain64","key_size":64},)"
           R"("kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000,"salt":"AAAA"}}},"tokens":{},)"
           R"("segments":{"0":{"type":"crypt","offset":"16777216","size":"dynamic","iv_tweak":"0",)"
           R"("encryption":"aes-xts-plain64","sector_size":512}},)"
           R"("digests":{"0":{"type":"pbkdf2","keyslots":["0"],"segments":["0"],"hash":"sha256","iterations":1000}},)"
           R"("config":{"json_size":"12288","keyslots_size":"16744448"}})";
}

/// Sets the checksum of the LUKS2 header copy at `offset`.
inline void seal_luks2(Bytes& device, std::size_t offset) {
    const auto header = std::span(device).subspan(offset, Luks2HeaderSize);
    std::fill_n(header.begin() + 448, 64, std::byte{0});
    const auto sum = crypto::sha256(header).value();
    std::copy(sum.begin(), sum.end(), header.begin() + 448);
}

/// One copy of a LUKS2 header at `offset` of `device`.
inline void put_luks2_copy(Bytes& device, std::size_t offset, const std::string& json, std::uint64_t sequence) {
    Bytes header(Luks2HeaderSize);
    put_text(header, 0, offset == 0 ? LuksMagic : SecondaryLuksMagic);
    put_number(header, 6, 2, 2);
    put_number(header, 8, 8, Luks2HeaderSize);
    put_number(header, 16, 8, sequence);
    put_text(header, 72, "sha256");
    put_text(header, 168, "edb43dbb-bc82-4949-84b9-7a4b8d876e05");
    put_number(header, 256, 8, offset);
    put_text(header, 4096, json);
    std::copy(header.begin(), header.end(), device.begin() + static_cast<std::ptrdiff_t>(offset));
    seal_luks2(device, offset);
}

/// Both copies, of sequence 1.
inline Bytes luks2_device(const std::string& json = luks2_json()) {
    Bytes device(64 * 1024);
    put_luks2_copy(device, 0, json, 1);
    put_luks2_copy(device, Luks2HeaderSize, json, 1);
    return device;
}

}  // namespace sallyport::volume
