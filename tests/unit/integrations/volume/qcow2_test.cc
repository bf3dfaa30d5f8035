#include "integrations/volume/qcow2.h"

#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/memory_source.h"

namespace sallyport::volume {
namespace {

void put(Bytes& bytes, std::size_t offset, std::size_t size, std::uint64_t value) {
    for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
}

/// A header as QEMU lays it out; whole images of QEMU's own are in golden_test.
Bytes image(std::uint64_t crypt_method, std::uint64_t header_offset, std::uint64_t header_size) {
    Bytes bytes(64 * 1024);
    put(bytes, 0, 4, 0x514649fb);
    put(bytes, 4, 4, 3);
    put(bytes, 32, 4, crypt_method);
    put(bytes, 100, 4, 104);
    put(bytes, 104, 4, 0x6803f857);  // feature names, to be skipped
    put(bytes, 108, 4, 5);
    put(bytes, 120, 4, 0x0537be77);
    put(bytes, 124, 4, 16);
    put(bytes, 128, 8, header_offset);
    put(bytes, 136, 8, header_size);
    return bytes;
}

TEST(Qcow2, SaysWhereItsLuksHeaderIs) {
    Bytes bytes = image(2, 4096, 1024);
    put(bytes, 4096, 4, 0x4c554b53);
    const MemorySource source(bytes);
    const auto window = luks_header_of_qcow2(source).value();
    ASSERT_TRUE(window);
    EXPECT_EQ(window->size(), 1024u);
    std::array<std::byte, 2048> out{};
    EXPECT_EQ(window->read(0, out).value(), 1024u);
    EXPECT_EQ(sallyport::text_of(std::span(out).first(4)), "LUKS");
    EXPECT_EQ(window->read(1024, out).value(), 0u);
}

TEST(Qcow2, WithoutLuksHasNoHeader) {
    const Bytes plain = image(0, 4096, 1024);
    EXPECT_FALSE(luks_header_of_qcow2(MemorySource(plain)).value());
    const Bytes raw(4096);
    EXPECT_FALSE(luks_header_of_qcow2(MemorySource(raw)).value());
}

TEST(Qcow2, WhosePointerLeadsNowhereIsCorrupt) {
    const Bytes beyond = image(2, 64 * 1024, 1024);
    EXPECT_EQ(luks_header_of_qcow2(MemorySource(beyond)).error().code, Code::Corrupt);
    const Bytes wrapped = image(2, UINT64_MAX - 100, 1024);
    EXPECT_EQ(luks_header_of_qcow2(MemorySource(wrapped)).error().code, Code::Corrupt);
    Bytes none = image(2, 4096, 1024);
    put(none, 120, 4, 0);
    EXPECT_EQ(luks_header_of_qcow2(MemorySource(none)).error().code, Code::Corrupt);
}

}  // namespace
}  // namespace sallyport::volume
