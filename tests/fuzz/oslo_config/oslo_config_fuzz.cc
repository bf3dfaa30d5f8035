#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/base/bytes.h"
#include "migration/fixed_key.h"
#include "migration/oslo_config.h"

using namespace sallyport;

/// A configuration file as an operator left it, and every option of it asked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = SecureBytes::copy_of(std::as_bytes(std::span(data, size)));
    SALLYPORT_ASSERT(text);
    auto parsed = migration::IniFile::parse(*text, "fuzz.conf");
    if (!parsed) return 0;
    std::size_t end = 0;
    for (std::size_t i = 0; i < parsed->assignments().size(); ++i) {
        const migration::IniAssignment& one = parsed->assignments()[i];
        SALLYPORT_ASSERT(end <= one.begin && one.begin < one.end && one.end <= size);  // in order, never twice
        SALLYPORT_ASSERT(one.first_line <= one.last_line);
        SALLYPORT_ASSERT(parsed->reveal_value(i).size() <= one.end - one.begin);
        end = one.end;
    }
    std::vector<migration::IniFile> files;
    files.push_back(*std::move(parsed));
    const migration::OsloConfig config(std::move(files));
    const auto& all = config.files().front().assignments();
    for (const migration::IniAssignment& one : std::span(all).first(std::min<std::size_t>(all.size(), 50))) {
        (void)config.secret(one.group, one.name);
        (void)config.texts(one.group, one.name);
        (void)config.boolean(one.group, one.name);
        (void)config.integer(one.group, one.name);
    }
    (void)migration::read_fixed_key(config);
    return 0;
}
