#include "tests/residue/memory_scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <unordered_map>

#include "keymanager/base/assert.h"
#include "keymanager/base/codec.h"

namespace sallyport::residue {
namespace {

// A copy of which less than this is left is taken for chance.
constexpr std::size_t FragmentBytes = 16;
constexpr std::uint8_t Mask = 0xA7;
// AddressSanitizer's shadow is terabytes of one mapping that nobody has written to.
constexpr std::uintptr_t LargestMapping = std::uintptr_t{1} << 36U;

struct Mapping {
    std::uintptr_t begin;
    std::uintptr_t end;
    std::string line;
};

std::vector<Mapping> readable_mappings() {
    std::vector<Mapping> found;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::string rights;
        words >> std::hex >> begin >> dash >> end >> rights;
        const bool kernels = line.find("[vvar]") != std::string::npos || line.find("[vsyscall]") != std::string::npos;
        if (rights.starts_with('r') && !kernels && end - begin <= LargestMapping) found.push_back({begin, end, line});
    }
    return found;
}

/// Through which memory is looked at: the kernel copies a piece of it here, and leaves out what cannot be read.
/// Wiped at the end, and never looked at itself.
class Window {
public:
    static constexpr std::size_t Step = 64 * 1024;

    Window()
        : memory_(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)),
          pages_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {
        SALLYPORT_ASSERT(memory_ >= 0 && pages_ >= 0);
    }
    ~Window() {
        wipe(std::as_writable_bytes(std::span(buffer_)));
        close(memory_);
        close(pages_);
    }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// The next step of memory, and what a fragment that begins in it may need of the one after.
    std::span<const std::uint8_t> read(std::uintptr_t begin, std::uintptr_t end) const {
        if (!is_backed(begin, end)) return {};
        const std::size_t wanted = std::min<std::size_t>(buffer_.size(), end - begin);
        const ssize_t got = pread(memory_, buffer_.data(), wanted, static_cast<off_t>(begin));
        return {buffer_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    bool overlaps(std::uintptr_t at) const {
        const auto own = reinterpret_cast<std::uintptr_t>(buffer_.data());
        return at + FragmentBytes > own && at < own + buffer_.size();
    }

private:
    static constexpr std::size_t Page = 4096;

    /// False if no page of the window was ever touched, as most of AddressSanitizer's shadow (proc(5), pagemap).
    bool is_backed(std::uintptr_t begin, std::uintptr_t end) const {
        constexpr std::uint64_t PresentOrSwapped = std::uint64_t{3} << 62U;
        std::array<std::uint64_t, Step / Page + 1> entries{};
        const std::size_t count = std::min(entries.size(), (end - begin) / Page);
        const auto at = static_cast<off_t>(begin / Page * sizeof(std::uint64_t));
        const ssize_t got = pread(pages_, entries.data(), count * sizeof(std::uint64_t), at);
        if (got != static_cast<ssize_t>(count * sizeof(std::uint64_t))) return true;
        return std::ranges::any_of(entries, [](std::uint64_t entry) { return (entry & PresentOrSwapped) != 0; });
    }

    int memory_;
    int pages_;
    static inline std::array<std::uint8_t, Step + FragmentBytes - 1> buffer_;
};

/// All the places where a needle may begin to be seen, by their first two masked bytes.
class Index {
public:
    explicit Index(const std::vector<Needle>& needles) {
        for (const Needle& needle : needles) {
            SALLYPORT_ASSERT(needle.masked().size() >= FragmentBytes);
            for (std::size_t at = 0; at + FragmentBytes <= needle.masked().size(); ++at) {
                const std::uint8_t* fragment = needle.masked().data() + at;
                const std::uint16_t head = head_of(fragment[0], fragment[1]);
                heads_[head] = true;
                fragments_.emplace(head, Fragment{fragment, &needle});
            }
        }
    }

    const Needle* match(const std::uint8_t* at) const {
        const std::uint16_t head = head_of(at[0] ^ Mask, at[1] ^ Mask);
        if (!heads_[head]) return nullptr;
        const auto [first, last] = fragments_.equal_range(head);
        for (auto candidate = first; candidate != last; ++candidate) {
            if (equals(at, candidate->second.masked)) return candidate->second.needle;
        }
        return nullptr;
    }

private:
    struct Fragment {
        const std::uint8_t* masked;
        const Needle* needle;
    };

    static std::uint16_t head_of(int first, int second) { return static_cast<std::uint16_t>(first | (second << 8)); }
    static bool equals(const std::uint8_t* at, const std::uint8_t* masked) {
        for (std::size_t i = 0; i < FragmentBytes; ++i) {
            if ((at[i] ^ Mask) != masked[i]) return false;
        }
        return true;
    }

    std::bitset<65536> heads_;
    std::unordered_multimap<std::uint16_t, Fragment> fragments_;
};

/// Where the arena lies: a block of it tells.
bool holds_arena(const Mapping& mapping) {
    const auto block = SecureBytes::of_size(1);
    SALLYPORT_ASSERT(block.has_value());
    const auto at = reinterpret_cast<std::uintptr_t>(block->reveal().data());
    return mapping.begin <= at && at < mapping.end;
}

}  // namespace

Needle::Needle(std::string name, std::span<const std::byte> secret) : name_(std::move(name)), masked_(secret.size()) {
    std::ranges::transform(secret, masked_.begin(), [](std::byte b) {
        return static_cast<std::uint8_t>(std::to_integer<std::uint8_t>(b) ^ Mask);
    });
}

std::vector<Needle> shapes_of(const SecureBytes& secret) {
    const auto hex = to_hex_secure(secret);
    const auto base64 = to_base64_secure(secret);
    SALLYPORT_ASSERT(hex && base64);
    const auto base64_of_hex = to_base64_secure(*hex);
    SALLYPORT_ASSERT(base64_of_hex.has_value());
    std::vector<Needle> needles;
    needles.emplace_back("raw", secret.reveal());
    needles.emplace_back("hex", hex->reveal());
    needles.emplace_back("base64", base64->reveal());
    needles.emplace_back("base64 of hex", base64_of_hex->reveal());
    return needles;
}

std::vector<Sighting> scan(const std::vector<Needle>& needles) {
    const auto index = std::make_unique<Index>(needles);
    const Window window;
    std::vector<Sighting> sightings;
    for (const Mapping& mapping : readable_mappings()) {
        const bool in_arena = holds_arena(mapping);
        std::uintptr_t told_until = 0;
        for (std::uintptr_t begin = mapping.begin; begin < mapping.end; begin += Window::Step) {
            const std::span<const std::uint8_t> seen = window.read(begin, mapping.end);
            for (std::size_t i = 0; i + FragmentBytes <= seen.size(); ++i) {
                if (begin + i < told_until || window.overlaps(begin + i)) continue;
                const Needle* needle = index->match(&seen[i]);
                if (needle == nullptr) continue;
                const bool goes_on =
                    !sightings.empty() && begin + i == told_until && needle->name() == sightings.back().needle;
                if (!goes_on) sightings.push_back({begin + i, needle->name(), mapping.line, in_arena});
                told_until = begin + i + FragmentBytes;
            }
        }
    }
    return sightings;
}

std::string to_text(const std::vector<Sighting>& sightings) {
    std::ostringstream text;
    for (const Sighting& sighting : sightings) {
        text << sighting.needle << " at 0x" << std::hex << sighting.address << " in " << sighting.mapping << '\n';
    }
    return text.str();
}

std::vector<Sighting> outside_arena(std::vector<Sighting> sightings) {
    std::erase_if(sightings, [](const Sighting& sighting) { return sighting.in_arena; });
    return sightings;
}

}  // namespace sallyport::residue
