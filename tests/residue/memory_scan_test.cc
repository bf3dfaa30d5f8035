#include "tests/residue/memory_scan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "tests/residue/canary.h"

// The scanner finds what is there: without these tests "found nothing" would mean nothing.
namespace sallyport::residue {
namespace {

std::string copy_on_heap(std::span<const std::byte> bytes) { return std::string(text_of(bytes)); }

TEST(MemoryScan, FindsTheSecretInTheArenaAndNowhereElse) {
    const SecureBytes canary = make_canary();
    const auto found = scan(shapes_of(canary));
    ASSERT_EQ(found.size(), 1U) << to_text(found);
    EXPECT_TRUE(found[0].in_arena);
    EXPECT_EQ(found[0].address, reinterpret_cast<std::uintptr_t>(canary.reveal().data()));
    EXPECT_TRUE(outside_arena(found).empty());
}

TEST(MemoryScan, FindsNothingOnceTheOwnerIsGone) {
    const auto needles = [] {
        const SecureBytes canary = make_canary();
        return shapes_of(canary);
    }();
    const auto found = scan(needles);
    EXPECT_TRUE(found.empty()) << to_text(found);
}

TEST(MemoryScan, FindsACopyOnTheHeap) {
    const SecureBytes canary = make_canary();
    const std::string planted = copy_on_heap(canary.reveal());
    const auto found = outside_arena(scan(shapes_of(canary)));
    ASSERT_EQ(found.size(), 1U) << to_text(found);
    EXPECT_EQ(found[0].address, reinterpret_cast<std::uintptr_t>(planted.data()));
}

TEST(MemoryScan, FindsACopyOnTheStack) {
    const SecureBytes canary = make_canary();
    volatile char planted[32];
    std::memcpy(const_cast<char*>(planted), canary.reveal().data(), sizeof planted);
    const auto found = outside_arena(scan(shapes_of(canary)));
    ASSERT_EQ(found.size(), 1U) << to_text(found);
    EXPECT_NE(found[0].mapping.find("[stack]"), std::string::npos);
}

TEST(MemoryScan, FindsHalfOfTheSecret) {
    const SecureBytes canary = make_canary();
    const std::string planted = "x" + copy_on_heap(canary.reveal().subspan(9, 16)) + std::string(40, 'y');
    EXPECT_EQ(outside_arena(scan(shapes_of(canary))).size(), 1U);
}

TEST(MemoryScan, FindsItsHexadecimalAndBase64Text) {
    const SecureBytes canary = make_canary();
    const std::string hex = to_hex(canary.reveal());
    const std::string base64 = to_base64(canary.reveal());
    const std::string both = to_base64(bytes_of(hex));
    const std::string text = to_text(outside_arena(scan(shapes_of(canary))));
    EXPECT_NE(text.find("hex at"), std::string::npos) << text;
    EXPECT_NE(text.find("base64 at"), std::string::npos) << text;
    EXPECT_NE(text.find("base64 of hex at"), std::string::npos) << text;
}

TEST(MemoryScan, FindsACopyAcrossTheEdgeOfItsWindow) {
    const SecureBytes canary = make_canary();
    std::string planted(1 << 20, '.');
    const auto base = reinterpret_cast<std::uintptr_t>(planted.data());
    // Wherever the mapping begins, windows are whole pages: put one copy over every edge of a page.
    std::size_t copies = 0;
    for (std::size_t at = 4096 - base % 4096; at + 32 < planted.size(); at += 4096) {
        std::memcpy(&planted[at - 8], canary.reveal().data(), 32);
        ++copies;
    }
    std::size_t whole = 0;
    for (const Sighting& sighting : outside_arena(scan(shapes_of(canary)))) {
        if ((sighting.address - base) % 4096 == (4096 - 8 - base % 4096) % 4096) ++whole;
    }
    EXPECT_EQ(whole, copies);
}

TEST(MemoryScan, DoesNotTakeChanceForTheSecret) {
    const SecureBytes canary = make_canary();
    const std::string fifteen = copy_on_heap(canary.reveal().subspan(0, 15)) + '.';
    EXPECT_TRUE(outside_arena(scan(shapes_of(canary))).empty());
}

}  // namespace
}  // namespace sallyport::residue
