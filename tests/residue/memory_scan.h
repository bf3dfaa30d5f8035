#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/secure_bytes.h"

namespace sallyport::residue {

/// A secret to look for, kept so that looking leaves no copy of it: every byte is combined with a mask, and memory is
/// compared under that mask. Made of bytes in locked memory, of which it keeps the masked ones only.
class Needle {
public:
    Needle(std::string name, std::span<const std::byte> secret);

    const std::string& name() const { return name_; }
    const std::vector<std::uint8_t>& masked() const { return masked_; }

private:
    std::string name_;
    std::vector<std::uint8_t> masked_;
};

/// The secret's bytes, its hexadecimal text, and the base64 of both: what flows turn a key into.
std::vector<Needle> shapes_of(const SecureBytes& secret);

/// A place where at least 16 bytes of a needle lie in a row.
struct Sighting {
    std::uintptr_t address;
    std::string needle;
    std::string mapping;  ///< the line of /proc/self/maps
    bool in_arena;
};

/// Looks at every readable byte of this process, its other threads' too. Sightings that follow on each other are
/// told once. One thread at a time.
std::vector<Sighting> scan(const std::vector<Needle>& needles);

/// One line each, for a test's message.
std::string to_text(const std::vector<Sighting>& sightings);
std::vector<Sighting> outside_arena(std::vector<Sighting> sightings);

}  // namespace sallyport::residue
